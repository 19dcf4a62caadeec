import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import type { IncomingMessage } from 'node:http';
import { ADMIN, startGateway, type RunningGateway } from '../gateway/testing/running-gateway.ts';
import { REFERENCE_PATH } from '../protocol/paths.ts';
import { npmPackages, pythonWith } from '../testing/registry-packages.ts';

const LIMIT = { timeout: 600_000 };
const RUN_LIMIT_MS = 60_000;
/** The newest TypeScript that openapi-typescript works with. */
const NPM = ['openapi-typescript@7.13.0', 'openapi-fetch@0.17.0', 'typescript@5.9.3', '@types/node@24.10.1'];
const PYTHON = ['openapi-python-client==0.29.1'];

const TYPESCRIPT = `import createClient from 'openapi-fetch';
import type { paths } from './api.js';

const { FIREHOSE_URL: baseUrl = '', LOGIN = '' } = process.env;
const client = createClient<paths, 'application/json' | 'application/problem+json'>({ baseUrl });
const login = JSON.parse(LOGIN) as { username: string; password: string; domain: string };
const { data, error } = await client.POST('/ws/v1/firehose/login', { body: login });
if (data === undefined) throw new Error(error.code);
const headers = { Authorization: \`Bearer \${data.access_token}\` };
const { data: live } = await client.GET('/ws/v1/firehose/calls', { headers });
for (const { call_id, state } of live?.calls ?? []) console.log('call', call_id, state);
const query = { cursor: live?.cursor ?? '' };
const { data: stream } = await client.GET('/ws/v1/firehose/events', { params: { query }, headers, parseAs: 'stream' });
let received = '';
for await (const part of stream ?? []) {
  received += Buffer.from(part).toString();
  const [, event] = /^data: ?(.*"Event-Name".*)$/m.exec(received) ?? [];
  if (event === undefined) continue;
  console.log('event', JSON.parse(event)['Event-Name']);
  break;
}
const { error: refused } = await client.POST('/ws/v1/firehose/login', { body: { ...login, password: 'wrong' } });
console.log('refused', refused?.status, refused?.code);
process.exit();
`;
/** One fault each: what the document does not have. */
const WRONG = [
  `await client.POST('/ws/v1/firehose/logins', { body: login });`,
  `await client.GET('/ws/v1/firehose/login');`,
  `await client.POST('/ws/v1/firehose/login', { body: { username: 'admin' } });`,
  `const token: number = data.access_token;`,
  `await client.GET('/ws/v1/firehose/events', { params: { query: { cursr: 'a' } } });`,
  `const state: 'ringin' | undefined = live?.calls[0]?.state;`,
];

const PYTHON_CONSUMER = `import json, os, ssl
from generated import AuthenticatedClient, Client
from generated.api.default import calls, login
from generated.models import LiveCalls, Login, Problem, Token

place = {
    "base_url": os.environ["FIREHOSE_URL"],
    "verify_ssl": ssl.create_default_context(cafile=os.environ["FIREHOSE_CA"]),
    "raise_on_unexpected_status": True,
}
known = json.loads(os.environ["LOGIN"])
with Client(**place) as client:
    token = login.sync(client=client, body=Login(**known))
    assert isinstance(token, Token), token
    with AuthenticatedClient(token=token.access_token, **place) as mine:
        live = calls.sync(client=mine)
    assert isinstance(live, LiveCalls), live
    for call in live.calls:
        print("call", call.call_id, call.state.value)
    refused = login.sync(client=client, body=Login(**{**known, "password": "wrong"}))
    assert isinstance(refused, Problem), refused
    print("refused", refused.status, refused.code)
`;

/** From the document that a gateway serves over TLS to a program that works: what a stranger does with a generator. */
describe('R4: a client that a public generator makes of the served document', LIMIT, () => {
  let gateway: RunningGateway;
  let folder: string;
  let environment: Readonly<Record<string, string | undefined>>;

  before(async () => {
    gateway = await startGateway({ calls: { enabled: true } });
    folder = await mkdtemp(join(tmpdir(), 'firehose-generated-'));
    const ca = join(gateway.stateFolder, 'ca.crt');
    const url = `https://localhost:${gateway.gateway.port}`;
    environment = {
      ...process.env,
      NODE_OPTIONS: '',
      NODE_EXTRA_CA_CERTS: ca,
      FIREHOSE_CA: ca,
      FIREHOSE_URL: url,
      LOGIN: JSON.stringify(ADMIN),
    };
    const asked = get(`${url}${REFERENCE_PATH.openApi}`, { ca: await readFile(ca), agent: false });
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    await writeFile(join(folder, 'openapi.json'), await text(answer));
    await ingest('CHANNEL_CREATE', 'leg');
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  let produced = 0;
  const ingest = async (name: string, callId: string) => {
    const vars = { 'Account-ID': 'account_id_1' };
    const event = { 'Event-Name': name, 'Call-ID': callId, n: (produced += 1), 'Custom-Channel-Vars': vars };
    assert.equal((await gateway.ingest(JSON.stringify(event))).body['accepted'], 1);
  };

  /** What a program prints. The gateway is in this process: nothing here may wait for a program without serving. */
  async function run(program: string, ...args: string[]): Promise<string> {
    const env = { ...environment, PATH: `${dirname(program)}${delimiter}${environment['PATH'] ?? ''}` };
    const child = spawn(program, args, { cwd: folder, env, timeout: RUN_LIMIT_MS });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, `${program} ${args.join(' ')}: ${output}`);
    return output;
  }

  test(
    'openapi-typescript: it compiles, finds what is wrong, logs in, reads live calls and streams',
    LIMIT,
    async () => {
      const modules = await npmPackages(NPM, process.env);
      await symlink(modules, join(folder, 'node_modules'));
      const own = (path: string) => join(modules, path);
      await run(process.execPath, own('openapi-typescript/bin/cli.js'), 'openapi.json', '-o', 'api.d.ts');
      const lines = TYPESCRIPT.split('\n').length - 1;
      const faults = async (more: readonly string[]) => {
        await writeFile(join(folder, 'consumer.mts'), `${TYPESCRIPT}${more.map((line) => `{ ${line} }\n`).join('')}`);
        const options = [
          '--noEmit',
          '--strict',
          '--skipLibCheck',
          '--target',
          'es2024',
          '--module',
          'nodenext',
          '--types',
          'node',
        ];
        const args = [own('typescript/bin/tsc'), ...options, 'consumer.mts'];
        const { stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', timeout: RUN_LIMIT_MS });
        return [...stdout.matchAll(/^\S+\((\d+),.*$/gm)].map(([what, line]) => [Number(line) - lines, what] as const);
      };
      const wrong = await faults(WRONG);
      assert.deepEqual(
        [...new Set(wrong.map(([line]) => line))],
        WRONG.map((_, n) => n + 1),
        wrong.map(([, what]) => what).join('\n'),
      );
      assert.deepEqual(await faults([]), []);
      const feeding = setInterval(() => void ingest('DTMF', 'leg').catch(() => undefined), 50);
      const printed = await run(process.execPath, 'consumer.mts').finally(() => clearInterval(feeding));
      assert.match(printed, /^call leg ringing\nevent DTMF\nrefused 401 wrong_credentials\n$/);
    },
  );

  test('openapi-python-client: it is made without a warning, logs in and reads live calls', LIMIT, async () => {
    const python = await pythonWith(PYTHON, process.env);
    const generate = ['generate', '--path', 'openapi.json', '--output-path', 'generated', '--meta', 'none'];
    // It formats with a program beside Python.
    const said = await run(python, '-m', 'openapi_python_client', ...generate);
    assert.doesNotMatch(said, /warning|error|unable/i);
    await writeFile(join(folder, 'consumer.py'), PYTHON_CONSUMER);
    assert.equal(await run(python, 'consumer.py'), 'call leg ringing\nrefused 401 wrong_credentials\n');
  });
});
