import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { sourceAclRules } from '../../../runtime/redis/acl.ts';
import { becomesReady, commandClient, type RedisClient } from '../../../runtime/redis/client.ts';
import type { AsteriskPorts } from '../../../testing/asterisk/configuration.ts';
import { makeCertificates, type Certificates } from '../../../testing/certificates.ts';
import { freePort } from '../../../testing/free-port.ts';
import { startRedis, type RedisServer } from '../../../testing/redis-server.ts';
import { Started } from '../../../testing/started.ts';
import { until } from '../../../testing/until.ts';
import { assertWholeLegs, split } from '../../collector/testing/judge.ts';
import { stored } from '../../collector/testing/replicas.ts';
import type { SipAgent } from '../testing/sip-agent.ts';
import { setStage, stateOf, type Stage } from '../testing/stage.ts';

const LIMIT = { timeout: 110_000 };
const THIS = fileURLToPath(import.meta.url);
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const PASSWORD = 'canary-of-the-source';
const LOGIN = { username: 'pbx1', password: 'canary-of-the-pbx' };

const stack = new AsyncDisposableStack();
let redis: RedisServer;
let reader: RedisClient;
let stage: Stage;
let folder: string;
let certificates: Certificates;
let service: Service;
let phones: readonly SipAgent[] = [];
const replicas: Replica[] = [];

before(async () => {
  redis = stack.use(await startRedis({ users: [`firehose-source ${sourceAclRules()} >${PASSWORD}`] }));
  reader = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  stack.defer(() => reader.disconnect());
  assert.ok(await becomesReady(reader, 30_000));
  certificates = stack.use(await makeCertificates());
  folder = await mkdtemp(join(tmpdir(), 'firehose-outbound-'));
  stack.defer(() => rm(folder, { recursive: true }));
  for (const name of ['pbx1', 'tls']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'pbx1/username'), LOGIN.username);
  await writeFile(join(folder, 'pbx1/password'), LOGIN.password);
  await copyFile(certificates.certFile, join(folder, 'tls/tls.crt'));
  await copyFile(certificates.keyFile, join(folder, 'tls/tls.key'));
  service = stack.use(await startService());
  stage = stack.use(await setStage({ tls: certificates, files: await documented() }));
  for (const name of ['1001', '1002']) phones = [...phones, await stage.phone(name)];
});
afterEach(async () => {
  for (const phone of phones) phone.hangUp();
  for (const replica of replicas.splice(0)) await replica.end('SIGKILL');
});
after(() => stack.disposeAsync());

/** What docs/sources.md says to write in these files. */
async function blocks(language: string): Promise<readonly string[]> {
  const page = await readFile(join(ROOT, 'docs/sources.md'), 'utf8');
  const marked = page.matchAll(/<!-- run: (.+) -->\n\n```(\w+)\n([\s\S]*?)```/g);
  return [...marked].flatMap(([, run = '', of, text = '']) => (THIS.endsWith(run) && of === language ? [text] : []));
}

/** The configuration of Asterisk for this machine. */
async function documented(): Promise<(ports: AsteriskPorts, keys: string) => Record<string, string>> {
  const texts = await blocks('ini');
  const files = texts.map((text) => [/^; (\w+\.conf)/.exec(text)?.[1] ?? '', text] as const);
  assert.deepEqual(files.map(([name]) => name).toSorted(), ['ari.conf', 'websocket_client.conf']);
  return (_ports, keys) => {
    const here = (text: string) =>
      text
        .replace('pbx-source-listen.voice.svc:9443', `localhost:${service.port}`)
        .replaceAll('/etc/asterisk/keys', keys)
        .replaceAll('CHANGE-ME', LOGIN.password);
    return Object.fromEntries(files.map(([name, text]) => [name, here(text)]));
  };
}

/** Stands before the replicas like a Service of a cluster: one address, one replica after the other. */
interface Service extends AsyncDisposable {
  readonly port: number;
  readonly targets: Set<number>;
}

async function startService(): Promise<Service> {
  const targets = new Set<number>();
  let turn = 0;
  const server = createServer((client) => {
    const port = [...targets][(turn += 1) % Math.max(1, targets.size)];
    client.on('error', () => client.destroy());
    if (port === undefined) {
      client.destroy();
      return;
    }
    const upstream = connect(port, '127.0.0.1');
    upstream.on('error', () => client.destroy());
    upstream.pipe(client).pipe(upstream);
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    targets,
    async [Symbol.asyncDispose]() {
      server.close();
      await Promise.resolve();
    },
  };
}

interface Replica {
  readonly started: Started;
  end(signal: NodeJS.Signals): Promise<void>;
}

/** A process as a platform starts it. It has a port of its own, because all replicas are on this machine. */
async function startReplica(): Promise<Replica> {
  const port = await freePort();
  const file = join(folder, `source-${port}.yaml`);
  const [text = ''] = await blocks('yaml');
  await writeFile(file, text.replace('9443', String(port)));
  const args = [
    'source',
    '--config',
    file,
    '--secrets',
    folder,
    '--tls-folder',
    join(folder, 'tls'),
    '--inner-port',
    '0',
  ];
  const child = spawn(process.execPath, ['--import', './runtime/telemetry/start.ts', 'cli/firehose.ts', ...args], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      REDIS_URL: `redis://firehose-source:${PASSWORD}@127.0.0.1:${redis.port}`,
    },
  });
  const started = new Started(child);
  const replica = {
    started,
    async end(signal: NodeJS.Signals) {
      service.targets.delete(port);
      child.kill(signal);
      await started.exitCode;
    },
  };
  replicas.push(replica);
  await started.says(/switches may connect/);
  service.targets.add(port);
  return replica;
}

async function place() {
  const [alice, bob] = phones;
  assert.ok(alice !== undefined && bob !== undefined);
  const call = alice.call('1002');
  const leg = await bob.called();
  leg.answer();
  await stateOf(call, 'up');
  return {
    async end() {
      call.hangUp();
      await stateOf(leg, 'ended');
    },
  };
}

const log = async () => split(await stored(reader, 'firehose:'));
const ends = async () => (await log()).events.filter(({ name }) => name === 'CHANNEL_DESTROY').length;
const endsBecome = (count: number) => until('the ends of the legs', ends, { holds: (seen) => seen === count });
const listens = ({ started }: Replica) => /listening to the switch/.test(started.output);

test(
  'S1: an Asterisk connects by TLS through a Service; a rollout loses nothing and is no gap, for the switch keeps it',
  LIMIT,
  async () => {
    const first = await startReplica();
    await first.started.says(/publishing the events/);
    await (await place()).end();
    await endsBecome(2);
    const staying = await place();
    await until('the leg of the callee was answered', async () => {
      const { events } = await log();
      return events.filter(({ name }) => name === 'CHANNEL_ANSWER').length === 4;
    });
    await first.end('SIGTERM');
    // Nobody listens: an earlier call ends, and another one begins and ends.
    await staying.end();
    await (await place()).end();
    const second = await startReplica();
    await second.started.says(/publishing the events/);
    await endsBecome(6);
    const { events, gaps } = await log();
    assertWholeLegs(events);
    assert.deepEqual(gaps, [], 'the switch kept everything');
    assert.deepEqual(
      events.filter(({ data }) => data.includes('Firehose-Synthetic')).map(({ name }) => name),
      [],
    );
    assert.ok(events.every(({ account }) => account === 'acme'));
    assert.doesNotMatch(first.started.output + second.started.output, /canary/, 'S12');
  },
);

test(
  'S4: the replica that Asterisk has chosen is killed: another one takes over, and the log has a gap',
  LIMIT,
  async () => {
    const both = [await startReplica(), await startReplica()];
    const chosen = await until('Asterisk has connected', () => both.find(listens));
    const other = both.find((one) => one !== chosen) ?? assert.fail();
    await chosen.started.says(/publishing the events/);
    const before = await until('the time between the tests is a gap', log, { holds: ({ gaps }) => gaps.length === 1 });
    const call = await place();
    await until('both legs began', async () => (await log()).events.length > before.events.length + 4);
    assert.ok(!listens(other), 'the other one waits');
    await chosen.end('SIGKILL');
    await call.end();
    await other.started.says(/publishing the events/);
    await until('the legs have ended', ends, { holds: (seen) => seen === 8 });
    const { events, gaps } = await log();
    assertWholeLegs(events);
    const [, told, ...others] = gaps.map(({ source, endpoint, reason }) => `${source}/${endpoint}: ${reason}`);
    assert.deepEqual([told, others], ['default/source/pbx1: connection_lost', []]);
  },
);
