import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sourceKeys } from '../../../protocol/keys.ts';
import { decodeSourceGap } from '../../../protocol/source-gap.ts';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import { sourceAclRules } from '../../../runtime/redis/acl.ts';
import { becomesReady, commandClient, type RedisClient } from '../../../runtime/redis/client.ts';
import { ASTERISK_USERS } from '../../../testing/asterisk/configuration.ts';
import { startRedis, type RedisServer } from '../../../testing/redis-server.ts';
import { Started } from '../../../testing/started.ts';
import { until } from '../../../testing/until.ts';
import { decodePosition } from '../../collector/position.ts';
import { stored, type Stored } from '../../collector/testing/replicas.ts';
import type { SipAgent } from '../testing/sip-agent.ts';
import { hear, setStage, stateOf, type Stage } from '../testing/stage.ts';

const LIMIT = { timeout: 240_000 };
const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const PASSWORD = 'canary-of-the-source';
const LEASE_MS = 5_000;
/** Limit of a takeover. */
const TAKEOVER_MS = 6_000;

let redis: RedisServer;
let reader: RedisClient;
let stage: Stage;
let folder: string;
let phones: readonly SipAgent[];
const replicas: Replica[] = [];
/** Listens beside the replicas without a break. */
const reference = hear('AMI');

before(async () => {
  redis = await startRedis({ users: [`firehose-source ${sourceAclRules()} >${PASSWORD}`] });
  reader = commandClient(redis.url, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(reader, 30_000));
  stage = await setStage();
  await stage.open('AMI', reference);
  phones = [];
  for (const name of ['1001', '1002', '1003', '1004', '2001', '2002']) phones = [...phones, await stage.phone(name)];
  folder = await mkdtemp(join(tmpdir(), 'firehose-takeover-'));
  await writeConfiguration();
});
afterEach(async () => {
  for (const { kill, started } of replicas.splice(0)) {
    kill('SIGKILL');
    await started.exitCode;
  }
  for (const phone of phones) phone.hangUp();
});
after(async () => {
  reader.disconnect();
  await stage[Symbol.asyncDispose]();
  await redis.stop();
  await rm(folder, { recursive: true });
});

async function writeConfiguration(): Promise<void> {
  const endpoint = {
    name: 'pbx1',
    host: 'localhost',
    port: stage.asterisk.ports.amiTls,
    tls: { enabled: true, caSecretRef: { name: 'ca' } },
  };
  await writeFile(join(folder, 'source.yaml'), JSON.stringify({ asterisk: { endpoints: [endpoint] } }));
  await mkdir(join(folder, 'pbx1'));
  const { username, password } = ASTERISK_USERS.firehose;
  await writeFile(join(folder, 'pbx1/username'), username);
  await writeFile(join(folder, 'pbx1/password'), password);
  await mkdir(join(folder, 'ca'));
  await writeFile(join(folder, 'ca/ca.crt'), await stage.endpoint('AMI').then(({ tls }) => String(tls?.ca)));
}

interface Replica {
  readonly started: Started;
  readonly kill: (signal: NodeJS.Signals) => void;
}

/** A process as a platform starts it. */
async function startReplica(): Promise<Replica> {
  const child = spawn(process.execPath, ['--import', './runtime/telemetry/start.ts', 'cli/firehose.ts', 'source'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      FIREHOSE_SOURCE_FILE: join(folder, 'source.yaml'),
      FIREHOSE_SOURCE_SECRETS: folder,
      FIREHOSE_INNER_PORT: '0',
      REDIS_URL: `redis://firehose-source:${PASSWORD}@127.0.0.1:${redis.port}`,
    },
  });
  const started = new Started(child);
  const replica = { started, kill: (signal: NodeJS.Signals) => void child.kill(signal) };
  replicas.push(replica);
  await started.says(/listening to the switch/);
  return replica;
}

const leads = ({ started }: Replica) => {
  const { output } = started;
  return output.lastIndexOf('publishing the events') > output.lastIndexOf('no longer publishing');
};

/** Calls that are answered and then end, one after the other, until the signal aborts. */
async function keepCalling(signal: AbortSignal, onCall: () => void): Promise<void> {
  const [alice, bob] = phones;
  assert.ok(alice !== undefined && bob !== undefined);
  while (!signal.aborted) {
    const call = alice.call('1002');
    const leg = await bob.called();
    leg.answer();
    await stateOf(call, 'up');
    call.hangUp();
    await stateOf(leg, 'ended');
    onCall();
    await delay(20);
  }
}

const events = async () => (await stored(reader, 'firehose:')).filter(({ name }) => name !== 'source.gap');
const gaps = async () => (await stored(reader, 'firehose:')).filter(({ name }) => name === 'source.gap');
const idsByLeg = (all: readonly { callId: string; eventId: string }[]) =>
  Object.fromEntries([...Map.groupBy(all, ({ callId }) => callId)].map(([id, leg]) => [id, leg.map((e) => e.eventId)]));

/** 0 lost, 0 disordered, 0 doubled: each leg is in the log as the listener received it. */
async function assertComplete(): Promise<void> {
  await until('every leg has ended', () => reference.mapper.liveLegs().length === 0);
  const wanted = reference.mapped.length;
  await until('the log has as many events', async () => (await events()).length, { holds: (count) => count >= wanted });
  const [told, expected] = [idsByLeg(await events()), idsByLeg(reference.mapped)];
  const legs = new Set([...Object.keys(told), ...Object.keys(expected)]);
  const others = [...legs].filter((id) => told[id]?.join(' ') !== expected[id]?.join(' '));
  assert.deepEqual(
    others.map((id) => told[id] ?? id),
    others.map((id) => expected[id] ?? id),
  );
}

/** Waits until the leader has announced that the log has everything up to now. */
async function announced(): Promise<void> {
  const { positions } = sourceKeys('firehose:', 'default/source');
  const now = Date.now();
  const known = async () => decodePosition((await reader.hget(positions, 'pbx1')) ?? '')?.until ?? 0;
  await until('the position is announced', known, { holds: (time) => time > now });
}

/** Milliseconds until the log has an event that Asterisk sends from now on. */
async function lateness(): Promise<number> {
  const [began, known] = [performance.now(), reference.mapped.length];
  await until('something is heard', () => reference.mapped.length > known);
  const { eventId } = reference.mapped[known] ?? assert.fail();
  await until('it is in the log', async () => (await events()).some((event) => event.eventId === eventId));
  return performance.now() - began;
}

test(
  'S1, S2: the leader is killed, then the next one stands still for longer than its lease: nothing is lost',
  LIMIT,
  async () => {
    const [first, second] = [await startReplica(), await startReplica()];
    const leader = await until('one publishes', () => [first, second].find(leads));
    const standby = leader === first ? second : first;
    const stop = new AbortController();
    let calls = 0;
    const calling = keepCalling(stop.signal, () => (calls += 1));
    await until('calls are in the log', async () => (await events()).length > 20);
    await announced();
    leader.kill('SIGKILL');
    const late = await lateness();
    assert.ok(late <= TAKEOVER_MS, `${Math.round(late)} ms`);
    await until('the standby leads', () => leads(standby));
    const third = await startReplica();
    // The log has what the third replica missed before the second one is paused.
    await announced();
    standby.kill('SIGSTOP');
    assert.ok((await lateness()) <= TAKEOVER_MS);
    await delay(LEASE_MS);
    standby.kill('SIGCONT');
    await standby.started.says(/no longer publishing/);
    assert.ok(leads(third));
    await until('more than 50 calls', () => calls > 50);
    stop.abort();
    await calling;
    await assertComplete();
    assert.deepEqual(await gaps(), [], 'one replica listened all the time');
    third.kill('SIGTERM');
    await third.started.exitCode;
    standby.kill('SIGTERM');
    await standby.started.exitCode;
  },
);

test(
  'S4: what happens while all replicas are away is a gap, and the calls of it end and begin as a listing says',
  LIMIT,
  async () => {
    const [alice, bob, carol, dave, erin, frank] = phones;
    assert.ok(alice && bob && carol && dave && erin && frank);
    const up = async (from: SipAgent, number: string, by: SipAgent) => {
      const call = from.call(number);
      (await by.called()).answer();
      await stateOf(call, 'up');
      return call;
    };
    const only = await startReplica();
    const staying = await up(alice, '1002', bob);
    const ending = await up(carol, '1004', dave);
    await until('both calls are in the log', async () => (await live()).length === 4);
    const before = await live();
    // The time between the two tests already is one gap.
    const earlier = (await gaps()).length;
    only.kill('SIGKILL');
    await only.started.exitCode;
    ending.hangUp();
    const begun = await up(erin, '2002', frank);
    await startReplica();
    const gap = (await until('the log has a gap', gaps, { holds: (seen) => seen.length > earlier })).at(-1);
    const told = decodeSourceGap(gap?.data ?? '') ?? assert.fail('the gap is readable');
    assert.equal(told.endpoint, 'pbx1');
    assert.deepEqual([told.legs_ended, told.legs_begun], [2, 2]);
    assert.doesNotMatch(gap?.data ?? '', /secret/, 'S12');
    await until('the legs are as Asterisk has them', live, {
      holds: (legs) => legs.length === 4 && legs[3] !== before[3],
    });
    staying.hangUp();
    begun.hangUp();
    const all = await until('every leg has ended', events, { holds: (seen) => openLegs(seen).length === 0 });
    const synthetic = all.filter(({ data }) => data.includes('"Firehose-Synthetic":"missed"'));
    const [created, ended] = ['CHANNEL_CREATE', 'CHANNEL_DESTROY'].map((name) =>
      synthetic.filter((event) => event.name === name),
    );
    assert.deepEqual(
      created?.map(({ account }) => account),
      ['globex', 'globex'],
    );
    assert.deepEqual(
      ended?.map(({ account }) => account),
      ['acme', 'acme'],
    );
    assert.ok(ended?.every(({ data }) => data.includes('"Hangup-Cause":"NONE"')));
    for (const leg of Map.groupBy(all, ({ callId }) => callId).values()) {
      const names = leg.map(({ name }) => name);
      assert.equal(names[0], 'CHANNEL_CREATE');
      assert.equal(names.at(-1), 'CHANNEL_DESTROY');
      assert.equal(names.filter((name) => /CREATE|DESTROY/.test(name)).length, 2, names.join(' '));
    }
  },
);

function openLegs(all: readonly Stored[]): readonly string[] {
  const ended = new Set(all.filter(({ name }) => name === 'CHANNEL_DESTROY').map(({ callId }) => callId));
  return [...new Set(all.map(({ callId }) => callId))].filter((callId) => !ended.has(callId)).toSorted();
}
const live = async () => openLegs(await events());
