import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { request } from 'node:https';
import { join } from 'node:path';
import { test } from 'node:test';
import { CONSOLE_PATH } from '../../protocol/paths.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { readAssets } from './assets.ts';

const LIMIT = { timeout: 60_000 };
const BUDGET = 80 * 1024;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

/** From the public listener, over TLS. */
async function get({ gateway, stateFolder }: RunningGateway, path: string, method = 'GET'): Promise<Answer> {
  const ca = await readFile(join(stateFolder, 'ca.crt'), 'utf8');
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port: gateway.port, path, method, ca }, (response) => {
      let body = '';
      response.on('data', (chunk) => (body += String(chunk)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.once('error', reject);
    asked.end();
  });
}

test('all files of the console are within 80 KB of gzip, and of this project or its one library', LIMIT, async () => {
  const { files } = await readAssets();
  const bytes = [...files.values()].reduce((sum, { gzip }) => sum + gzip.length, 0);
  assert.ok(bytes < BUDGET, `${bytes} bytes`);
  const foreign = [...files.keys()].filter((path) => !/^(gateway\/console\/page|protocol|lit-html)\//.test(path));
  assert.deepEqual(foreign, []);
});

test('both listeners serve the console, under a policy that allows nothing from elsewhere', LIMIT, async () => {
  await using running = await startGateway({});
  const shown = await get(running, CONSOLE_PATH);
  const inner = await fetch(`http://127.0.0.1:${running.gateway.innerPort}${CONSOLE_PATH}`);
  const innerText = await inner.text();
  assert.deepEqual([shown.status, inner.status], [200, 200]);
  assert.match(shown.body, /data-side="public"/);
  assert.match(innerText, /data-side="inner"/);
  for (const policy of [
    String(shown.headers['content-security-policy']),
    inner.headers.get('content-security-policy') ?? '',
  ]) {
    assert.match(policy, /^default-src 'none'; script-src 'self' 'sha256-[A-Za-z0-9+/=]{44}'; style-src 'self';/);
    assert.match(
      policy,
      /connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for/,
    );
    assert.doesNotMatch(policy, /unsafe|\*|http/);
  }
  assert.equal(shown.headers['referrer-policy'], 'no-referrer');
});

test('files are kept for ever by their digest, and not at all by another one', LIMIT, async () => {
  await using running = await startGateway({});
  const { body } = await get(running, CONSOLE_PATH);
  const [, script = ''] = /<script type="module" src="([^"]+)"/.exec(body) ?? [];
  const main = await get(running, script);
  assert.match(String(main.headers['cache-control']), /immutable/);
  assert.match(String(main.headers['content-type']), /^text\/javascript/);
  const other = await get(running, script.replace(/assets\/[^/]+/, 'assets/other'));
  assert.deepEqual([other.status, other.headers['cache-control'], other.body], [200, 'no-store', main.body]);
  for (const path of ['gateway/settings.ts', '../../../../package.json', 'gateway/console/page/main.test.ts', '']) {
    assert.equal((await get(running, `${CONSOLE_PATH}assets/x/${path}`)).status, 404, path);
  }
  const moved = await get(running, CONSOLE_PATH.slice(0, -1));
  assert.deepEqual([moved.status, moved.headers['location']], [308, CONSOLE_PATH]);
  assert.equal((await get(running, CONSOLE_PATH, 'POST')).status, 405);
});

test('a resource turns the console off on both listeners', LIMIT, async () => {
  await using running = await startGateway({ gateway: { console: { enabled: false } } });
  assert.equal((await get(running, CONSOLE_PATH)).status, 404);
  assert.equal((await fetch(`http://127.0.0.1:${running.gateway.innerPort}${CONSOLE_PATH}`)).status, 404);
  assert.doesNotMatch((await get(running, '/')).body, /console/);
});

test('a page of the gateway itself may open the stream whatever other origins may', LIMIT, async () => {
  await using running = await startGateway({ gateway: { allowedOrigins: ['https://crm.example.com'] } });
  const token = await running.token();
  const host = `127.0.0.1:${running.gateway.port}`;
  const own = await running.connect(`?token=${token}`, { Origin: `https://${host}` });
  own.close();
  await assert.rejects(
    running.connect(`?token=${token}`, { Origin: 'https://other.example.com' }),
    /origin_not_allowed/,
  );
});

test(
  'a token may come as a subprotocol, which is never confirmed; another one beside it is refused',
  LIMIT,
  async () => {
    await using running = await startGateway({});
    const token = await running.token();
    const protocols = { 'Sec-WebSocket-Protocol': `firehose.v1, firehose.token.${token}` };
    const client = await running.connect('', protocols);
    assert.equal(client.protocol, 'firehose.v1');
    client.close();
    await assert.rejects(
      running.connect(`?token=${await running.token({ events: ['DTMF'] })}`, protocols),
      /two_tokens/,
    );
    await assert.rejects(
      running.connect('', { 'Sec-WebSocket-Protocol': 'firehose.v1, firehose.token.x' }),
      /invalid_token/,
    );
  },
);
