import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { events } from '../gateway/testing/group-replica.ts';
import { HookedResource, newSecret } from '../gateway/testing/webhook-gateway.ts';
import { startRedis, type RedisServer } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { snippet } from './testing/snippets.ts';
import { openWorkplace, type Workplace } from './testing/workplace.ts';

const LIMIT = { timeout: 600_000 };
const CARGO = `[package]
name = "receiver"
version = "0.0.0"
edition = "2021"

[dependencies]
http = "1"
serde_json = "1"
standardwebhooks = "1"
tiny_http = "0.12"
`;

interface Receiver {
  readonly language: string;
  /** Why it does not run on this machine; null where it does. */
  readonly lacks: string | null;
  /** Files by name, with the snippet that each holds; and further ones as text. */
  readonly snippets: Readonly<Record<string, string>>;
  readonly texts?: Readonly<Record<string, string>>;
  /** Fetches the official library: where that fails, there is no way to it. */
  readonly fetch: string;
  readonly build: string;
  readonly start: string;
}

const has = (command: string, ...args: string[]) => spawnSync(command, args, { stdio: 'ignore' }).status === 0;
const GO_MODULE = 'github.com/standard-webhooks/standard-webhooks/libraries/go';
const RECEIVERS: readonly Receiver[] = [
  {
    language: 'JavaScript',
    lacks: null,
    snippets: { 'receiver.mjs': 'webhook-receiver' },
    fetch: 'true',
    build: 'true',
    start: 'exec node_modules/.bin/node receiver.mjs',
  },
  {
    language: 'Python',
    lacks: has('python3', '-c', 'import venv, ensurepip') ? null : 'Python 3 with venv',
    snippets: { 'receiver.py': 'webhook-receiver-python' },
    fetch: 'python3 -m venv venv && venv/bin/pip install --quiet standardwebhooks',
    build: 'true',
    start: 'exec venv/bin/python receiver.py',
  },
  {
    language: 'Go',
    lacks: has('go', 'version') ? null : 'Go',
    snippets: { 'go-receiver/main.go': 'webhook-receiver-go' },
    fetch: `cd go-receiver && go mod init example && go get ${GO_MODULE}`,
    build: 'cd go-receiver && go build -o receiver .',
    start: 'exec go-receiver/receiver',
  },
  {
    language: 'Rust',
    lacks: has('cargo', '--version') ? null : 'Rust with cargo',
    snippets: { 'rust-receiver/src/main.rs': 'webhook-receiver-rust' },
    texts: { 'rust-receiver/Cargo.toml': CARGO },
    fetch: 'cd rust-receiver && cargo fetch --quiet',
    build: 'cd rust-receiver && cargo build --quiet --offline',
    start: 'exec rust-receiver/target/debug/receiver',
  },
];

/** Each receiver of the documentation, as it stands there, against a gateway. */
describe('W4: the receivers of the documentation verify by the official libraries', LIMIT, () => {
  let workplace: Workplace;
  let redis: RedisServer;
  before(async () => {
    workplace = await openWorkplace();
    redis = await startRedis();
    await workplace.prints('mkdir -p go-receiver rust-receiver/src && echo made', /made/);
  });
  after(async () => {
    await redis?.stop();
    await workplace?.[Symbol.asyncDispose]();
  });

  for (const { language, lacks, snippets, texts = {}, fetch: get, build, start } of RECEIVERS) {
    test(
      `${language}: what is signed is taken, also while the secret is rotated; what is forged is not`,
      LIMIT,
      async (t) => {
        if (lacks !== null) return t.skip(`needs ${lacks}`);
        for (const [name, block] of Object.entries(snippets)) await workplace.write(name, snippet(block));
        for (const [name, text] of Object.entries(texts)) await workplace.write(name, text);
        const isThere = await run(get).then(
          () => true,
          () => false,
        );
        if (!isThere) return t.skip(`needs the library of ${language}`);
        await run(build);
        const secret = newSecret();
        const environment = { WEBHOOK_SECRET: secret, PORT: '0' };
        await using receiver = await workplace.starts(start, /listening on (\d+)/, environment);
        const url = `http://127.0.0.1:${receiver.match[1]}/`;
        const hooked = { redisUrl: redis.url, receiver: { url, secret, caFile: null } };
        await using resource = await HookedResource.create(hooked);
        await using gateway = await resource.start();
        const outcome = async () =>
          (await resource.administer(gateway.innerPort, '/webhooks/crm/test', {})).body['outcome'];
        assert.equal(await outcome(), 'HTTP 204');
        await resource.publish(events(['call-a', 'call-ü'], 3));
        const verdicts = async () => {
          const { body } = await resource.administer(gateway.innerPort, '/webhooks/crm');
          return (body['attempts'] as { verdict: string }[]).map(({ verdict }) => verdict);
        };
        const all = await until('all events', verdicts, { holds: (seen) => seen.length === 6 });
        assert.deepEqual(new Set(all), new Set(['acknowledged']));
        // The receiver has the old secret still.
        const file = (name: string) => join(resource.folder, 'webhooks', name);
        await writeFile(file('crm.previous-secret'), secret);
        await writeFile(file('crm.secret'), newSecret());
        for (let n = 0; n < 3; n += 1) assert.equal(await outcome(), 'HTTP 204');
        const forged = { 'webhook-id': 'a', 'webhook-timestamp': String(Math.floor(Date.now() / 1_000)) };
        const headers = { ...forged, 'webhook-signature': `v1,${Buffer.alloc(32).toString('base64')}` };
        assert.equal((await fetch(url, { method: 'POST', body: '{"type":"x","data":{}}', headers })).status, 401);
      },
    );
  }

  const run = (script: string) => promisify(execFile)('bash', ['-ec', script], { cwd: workplace.folder });
});
