import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { openRedisLog, type RedisLog } from '../../event-log/redis-log.ts';
import { callOf } from '../../protocol/call.ts';
import { decodeMeta } from '../../protocol/entry.ts';
import { eventIdOf } from '../../protocol/event-meta.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { compareIds, type Position } from '../../protocol/position.ts';
import { createRandom } from '../../protocol/simulator/random.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import type { RedisAddress } from '../../runtime/redis/connection.ts';
import { clusterConnection, startCluster } from '../../testing/redis-cluster.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { createRedisTable } from '../calls/redis-table.ts';
import { reduceAll, wholeLog } from '../calls/testing/plain-reduction.ts';
import { appendAll, newEventOf, simulatedEvents } from '../calls/testing/simulated-calls.ts';
import { KilledReplicas } from '../testing/killed-replicas.ts';
import { ADMIN, post } from '../testing/running-gateway.ts';
import { joinBoard, type Joined } from '../testing/wallboard-client.ts';

const REPLICAS = 3;
const PARTITIONS = 4;
const AT_ONCE = 24;
/** A stream of less than a second is a fault of its address. */
const SHORTEST_MS = 1_100;
const EVENTS = 100;
const ACCOUNTS = [1, 2, 3, 4].map((n) => `account_id_${n}`);
/** Each of these is a login of its own: a snapshot is shared only among callers of one. */
const SCOPES = [ACCOUNTS, ...ACCOUNTS.map((account) => [account]), ACCOUNTS.slice(0, 2), ACCOUNTS.slice(2)];
const KEYS = { keyPrefix: 'firehose:', partitions: PARTITIONS };

interface Taken extends Joined {
  readonly accounts: readonly string[];
}

/** Calls without an end of the traffic, until `signal`: each is whole. */
async function talk(eventLog: RedisLog, signal: AbortSignal): Promise<void> {
  for (let life = 0; !signal.aborted; life += 1) {
    const seed = `killed ${life}`;
    const events = simulatedEvents({ seconds: 300, callsPerSecond: 1, accounts: ACCOUNTS, seed }).map(newEventOf);
    for (let at = 0; at < events.length; at += 10) {
      await appendAll(eventLog, events.slice(at, at + 10));
      if (!signal.aborted) await delay(50);
    }
  }
}

/** Kills one replica after the other by signal, and starts it again. Counts in `kills`. */
async function killInTurn(replicas: KilledReplicas, kills: { count: number }, signal: AbortSignal): Promise<void> {
  const random = createRandom('kills');
  while (!signal.aborted) {
    await delay(500 + 1_500 * random.unit());
    const replica = kills.count % REPLICAS;
    await replicas.kill(replica);
    kills.count += 1;
    await delay(1_000 * random.unit());
    await replicas.begin(replica);
  }
}

interface Login {
  readonly accounts: readonly string[];
  readonly token: string;
}

/** All scopes, while every replica runs. */
async function logIn(replicas: KilledReplicas, ca: string): Promise<Login[]> {
  const logins: Login[] = [];
  for (const accounts of SCOPES) {
    const asked = JSON.stringify({ ...ADMIN, accounts });
    const { body } = await until('a login', () => post(replicas.ports[0] ?? 0, ca, asked), {
      holds: ({ status }) => status === 200,
    });
    logins.push({ accounts, token: String(body['access_token']) });
  }
  return logins;
}

interface Crowd {
  readonly replicas: KilledReplicas;
  readonly ca: string;
  readonly logins: readonly Login[];
  /** How many whole snapshots, at least. */
  readonly joins: number;
  readonly kills: { readonly count: number };
}

/** Joins a random replica again and again, until there are enough snapshots, and each replica was killed. */
async function joinAll({ replicas, ca, logins, joins, kills }: Crowd): Promise<Taken[]> {
  const random = createRandom('joins');
  const taken: Taken[] = [];
  const join = async () => {
    while (taken.length < joins || kills.count < REPLICAS) {
      const port = random.pick(replicas.ports);
      const { accounts, token } = random.pick(logins);
      const stayMs = SHORTEST_MS + 400 * random.unit();
      const joined = await joinBoard({ port, ca, token, stayMs, mostEvents: EVENTS });
      if (joined === null) await delay(20);
      else taken.push({ ...joined, accounts });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, join));
  return taken;
}

/** The entries that a join has seen after its snapshot are those of the log, in each partition from the first one on. */
function assertFollows(
  { events, accounts }: Taken,
  position: Position,
  log: readonly (readonly StoredEntry[])[],
): void {
  for (const [partition, entries] of log.entries()) {
    const seen = events.filter((event) => partitionOf(event, PARTITIONS) === partition).map(({ id }) => id);
    const after = entries.filter(({ id }) => compareIds(id, position.ids[partition] ?? '') > 0);
    const owed: string[] = [];
    for (const { id, meta: line } of after) {
      const meta = decodeMeta(line);
      if (owed.length === seen.length) break;
      if (meta !== null && accounts.includes(meta.account)) owed.push(eventIdOf(meta, partition, id));
    }
    assert.deepEqual(seen, owed);
  }
}

async function survives(redisUrl: string, address: RedisAddress, spec: object, joins: number): Promise<string> {
  await using replicas = await KilledReplicas.start(redisUrl, REPLICAS, { calls: { enabled: true }, ...spec });
  const options = { ...KEYS, resource: replicas.resource, retention: null, logger: silentLogger };
  await using eventLog = await openRedisLog({ redis: address, ...options });
  await eventLog.state();
  const ca = await replicas.ca();
  const logins = await logIn(replicas, ca);
  const over = new AbortController();
  const kills = { count: 0 };
  const [taken] = await Promise.all([
    joinAll({ replicas, ca, logins, joins, kills }).finally(() => over.abort()),
    killInTurn(replicas, kills, over.signal),
    talk(eventLog, over.signal),
  ]);
  const positions = taken.map(({ cursor }) => {
    const opened = eventLog.cursors.open(cursor, PARTITIONS);
    assert.equal(opened.kind, 'position');
    return opened.position;
  });
  const log = await wholeLog(eventLog);
  const places = taken.map(({ accounts }, at) => ({
    position: positions[at] as Position,
    includes: (account: string) => accounts.includes(account),
  }));
  let [legs, events] = [0, 0];
  const byLeg = (one: { account_id: string; call_id: string }) => `${one.account_id} ${one.call_id}`;
  for (const [at, expected] of reduceAll(log, places).entries()) {
    const join = taken[at];
    assert.ok(join);
    const [shown, owed] = [join.calls, expected.map(callOf)].map((calls) => new Map(calls.map((c) => [byLeg(c), c])));
    assert.deepEqual(shown, owed);
    assert.equal(shown?.size, join.calls.length);
    assertFollows(join, positions[at] as Position, log);
    legs += join.calls.length;
    events += join.events.length;
  }
  assert.ok(legs > joins && events > joins, `${legs} calls, ${events} events`);
  const table = createRedisTable({ client: eventLog.client, ...KEYS });
  const left = () => Promise.all(log.map((_, partition) => table.accounts(partition)));
  await until('a table without calls (LC6)', left, { holds: (seen) => seen.flat().length === 0 });
  return `${taken.length} joins, ${kills.count} kills, ${legs} calls, ${events} events`;
}

const LIMIT = { timeout: 600_000 };

test(
  'LC1: 1,000 boards join three replicas that are killed by signal, and each is what the log says',
  LIMIT,
  async (t) => {
    await using redis = await startRedis();
    t.diagnostic(await survives(redis.url, redis.url, {}, 1_000));
  },
);

test('LC1: the same on a Redis Cluster', LIMIT, async (t) => {
  await using cluster = await startCluster();
  const spec = { redis: { mode: 'Cluster' } };
  t.diagnostic(await survives(cluster.url, clusterConnection(cluster.url), spec, 300));
});
