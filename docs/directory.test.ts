import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { parse } from 'yaml';
import { load } from 'js-yaml';
import { startGateway, ADMIN } from '../gateway/testing/running-gateway.ts';
import { DIRECTORY_REFRESH_PATH } from '../protocol/paths.ts';
import { subscriptionSchema } from '../protocol/subscription.ts';
import { freePort } from '../testing/free-port.ts';
import { until } from '../testing/until.ts';
import { readRepositoryFile } from './repository.ts';
import { snippet } from './testing/snippets.ts';

test('directory and logins of the documentation are valid parts of the resource', () => {
  for (const name of ['directory-source', 'login-methods']) {
    const { auth } = parse(snippet(name)) as { auth: object };
    const resource = parse(snippet('resource')) as { spec: object };
    subscriptionSchema.parse({ ...resource, spec: { ...resource.spec, auth } });
  }
});

test('the path of the documentation is that of the product', () => {
  assert.ok(readRepositoryFile('docs/directory.md').includes(`POST ${DIRECTORY_REFRESH_PATH} `));
});

test('the example server serves a gateway, and its push makes a change visible', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-docs-directory-'));
  const [file, tokenFile, program] = ['directory.json', 'token', 'server.mjs'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  const document = load(await readFile(new URL('../gateway/quickstart/directory.yaml', import.meta.url), 'utf8')) as {
    accounts: object[];
  };
  await writeFile(file, JSON.stringify(document));
  await writeFile(tokenFile, 'a-token\n');
  await writeFile(program, snippet('directory-server'));
  const innerPort = String(await freePort());
  const server = spawn(process.execPath, [program], {
    env: {
      DIRECTORY_FILE: file,
      DIRECTORY_TOKEN: 'a-token',
      PORT: '0',
      REFRESH_URL: `http://127.0.0.1:${innerPort}${DIRECTORY_REFRESH_PATH}`,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [port] = (await once(createInterface(server.stdout), 'line')) as [string];
    const environment = { FIREHOSE_DIRECTORY_TOKEN_FILE: tokenFile, FIREHOSE_INNER_PORT: innerPort };
    await using running = await startGateway({ directoryServer: { url: `http://127.0.0.1:${port}/` }, environment });
    assert.equal((await running.login(ADMIN)).status, 200);
    const added = {
      id: 'added',
      name: 'added',
      realm: 'added.example.com',
      parent: '91eb05e5c68d7ca05e7618b6821d2d16',
    };
    await writeFile(file, JSON.stringify({ ...document, accounts: [...document.accounts, added] }));
    await until('the added account', async () => (await running.login({ ...ADMIN, accounts: ['added'] })).status, {
      holds: (seen) => seen === 200,
    });
  } finally {
    server.kill();
    await once(server, 'exit');
    await rm(folder, { recursive: true });
  }
});
