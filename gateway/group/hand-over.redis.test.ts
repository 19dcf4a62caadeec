import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { groupKeys } from '../../protocol/keys.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { ownerOf } from '../replica/rendezvous.ts';
import {
  events,
  faultsOf,
  pendingInRedis,
  NAME,
  startReplica,
  type Received,
  type Replica,
  type ReplicaOptions,
} from '../testing/group-replica.ts';
import { until } from '../../testing/until.ts';
import { TIMINGS } from './group-context.ts';

let redis: RedisServer;
before(async () => {
  redis = await startRedis();
});
after(() => redis.stop());

const CHILD = fileURLToPath(new URL('../testing/group-child.ts', import.meta.url));
const calls = (count: number) => Array.from({ length: count }, (_, at) => `call-${at}`);

/** Replicas of which the first owns the partition of a log with one partition. */
function namesByOwner(): [owner: string, standby: string] {
  const names = [`a-${randomUUID()}`, `b-${randomUUID()}`] as const;
  const owner = ownerOf(`${NAME}/0`, names);
  return owner === names[0] ? [names[0], names[1]] : [names[1], names[0]];
}

function replica(keyPrefix: string, options: Partial<ReplicaOptions> = {}): Promise<Replica> {
  return startReplica({ url: redis.url, keyPrefix, ...options });
}

interface Child extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly lines: { readonly id?: string; readonly attempt?: number; readonly standby?: boolean }[];
}

function child(keyPrefix: string, name: string, acks: 'ack' | 'hold' | 'nack', options: object = {}): Child {
  const args = [CHILD, redis.url, keyPrefix, name, '1', acks, JSON.stringify(options)];
  const spawned = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines: Child['lines'] = [];
  createInterface({ input: spawned.stdout }).on('line', (line) => lines.push(JSON.parse(line) as Child['lines'][0]));
  return {
    process: spawned,
    lines,
    async [Symbol.asyncDispose]() {
      if (spawned.exitCode !== null || spawned.signalCode !== null) return;
      const gone = once(spawned, 'exit');
      spawned.kill('SIGKILL');
      await gone;
    },
  };
}

describe('a group on several replicas', () => {
  it('has one owner a partition; a replica that owns nothing is standby until the owner has no connection', async () => {
    const keyPrefix = `${randomUUID()}:`;
    const [ownerName, standbyName] = namesByOwner();
    await using owner = await replica(keyPrefix, { partitions: 1, replica: ownerName });
    await using standby = await replica(keyPrefix, { partitions: 1, replica: standbyName });
    const second = await standby.connect();
    await until('second served', () => second.standbys.at(-1), { holds: (seen) => seen === false });
    const first = await owner.connect();
    // It was alone, and hands over to the newly chosen one.
    await until(
      'the first served and the second on standby',
      () => first.standbys.at(-1) === false && second.standbys.at(-1) === true,
    );
    await owner.publish(events(calls(10), 1));
    await until('10 events received by first', () => first.ids.length, { holds: (seen) => seen === 10 });
    assert.equal(second.ids.length, 0);
    first.membership.leave();
    await until('second served', () => second.standbys.at(-1), { holds: (seen) => seen === false });
    await owner.publish(events(calls(10), 1, 1));
    await until('10 events received by second', () => second.ids.length, { holds: (seen) => seen === 10 });
  });

  it('loses nothing, inverts nothing and repeats only by redelivery when every replica is replaced in turn (I1-I3, I7)', async () => {
    const keyPrefix = `${randomUUID()}:`;
    const received: Received[] = [];
    const sent = events(calls(12), 60);
    let replicas = await Promise.all([1, 2, 3].map(() => replica(keyPrefix)));
    for (const one of replicas) await one.connect({ received });
    const publisher = replicas[0]?.place;
    assert.ok(publisher);
    await using source = await replica(keyPrefix);
    const publishing = (async () => {
      for (let at = 0; at < sent.length; at += 6) {
        await source.publish(sent.slice(at, at + 6));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    for (let turn = 0; turn < 3; turn += 1) {
      const [oldest, ...rest] = replicas;
      const fresh = await replica(keyPrefix);
      await fresh.connect({ received });
      await oldest?.groups.drain(AbortSignal.timeout(5_000));
      await oldest?.[Symbol.asyncDispose]();
      replicas = [...rest, fresh];
    }
    await publishing;
    await until('no event missing', () => faultsOf(received, sent).every((fault) => !fault.endsWith('missing')));
    await until('nothing pending in Redis', () => pendingInRedis(source.place), { holds: (seen) => seen === 0 });
    assert.deepEqual(faultsOf(received, sent), []);
    for (const { id, attempt } of received) {
      const tries = received.filter((event) => event.id === id);
      if (attempt === 1) assert.equal(tries.filter((event) => event.attempt === 1).length, 1, id);
    }
    for (const one of replicas) await one[Symbol.asyncDispose]();
  });

  it('waits in a drain for what is with connections, and gives the lease up at once', async () => {
    const keyPrefix = `${randomUUID()}:`;
    await using leaving = await replica(keyPrefix, { partitions: 1, timings: { leaseMs: 3_600_000 } });
    const consumer = await leaving.connect({ acks: false });
    await leaving.publish(events(['call'], 2));
    await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
    await using staying = await replica(keyPrefix, { partitions: 1 });
    const other = await staying.connect();
    const draining = leaving.groups.drain(AbortSignal.timeout(10_000));
    assert.deepEqual(await consumer.membership.ack(['call/0']), { ok: true });
    await draining;
    await until('1 event received by other', () => other.ids.length, { holds: (seen) => seen === 1 });
    assert.deepEqual(other.ids, ['call/1']);
    assert.equal(consumer.membership.standby, true);
    assert.equal(consumer.ids.length, 1);
  });
});

describe('a replica that dies', () => {
  it('killed with -9: another one goes on with what was pending, in order, and counts the attempts on (I1, I2, I12)', async () => {
    const keyPrefix = `${randomUUID()}:`;
    const [first, second] = namesByOwner();
    await using gateway = await replica(keyPrefix, { partitions: 1, replica: second, timings: TIMINGS });
    await using dying = child(keyPrefix, first, 'hold', { timings: TIMINGS });
    await until('the dying process served', () => dying.lines.some(({ standby }) => standby === false));
    const consumer = await gateway.connect();
    await until('the consumer admitted', () => consumer.standbys.length, { holds: (seen) => seen > 0 });
    const sent = events(calls(3), 2);
    await gateway.publish(sent);
    await until(
      '3 events received by the dying process',
      () => dying.lines.filter(({ id }) => id !== undefined).length,
      { holds: (seen) => seen === 3 },
    );
    const { attempts } = groupKeys(keyPrefix, 0, NAME);
    await until('3 attempts counted', () => gateway.client.hlen(attempts), { holds: (seen) => seen === 3 });
    dying.process.kill('SIGKILL');
    await until('6 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 6 });
    assert.deepEqual(faultsOf(consumer.received, sent), []);
    for (const { n, attempt } of consumer.received) assert.equal(attempt, n === 0 ? 2 : 1);
    await until('nothing pending in Redis', () => pendingInRedis(gateway.place), { holds: (seen) => seen === 0 });
  });

  it('stopped beyond its lease and woken again: it writes and settles nothing any more (the fence)', async () => {
    const keyPrefix = `${randomUUID()}:`;
    const [first, second] = namesByOwner();
    const timings = { leaseMs: 3_000 };
    await using gateway = await replica(keyPrefix, { partitions: 1, replica: second, timings });
    await using stopped = child(keyPrefix, first, 'nack', { timings });
    await until('the stopped process served', () => stopped.lines.some(({ standby }) => standby === false));
    const consumer = await gateway.connect({ acks: false });
    await gateway.publish(events(['call'], 2));
    await until('the first event received by the stopped process', () =>
      stopped.lines.some(({ id }) => id === 'call/0'),
    );
    // It is due again in half a second: by then another replica has the partition.
    stopped.process.kill('SIGSTOP');
    const before = stopped.lines.length;
    await until('1 event received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 1 });
    const attempt = consumer.received[0]?.attempt ?? 0;
    stopped.process.kill('SIGCONT');
    await until('the stopped process on standby', () =>
      stopped.lines.slice(before).some(({ standby }) => standby === true),
    );
    // It is chosen again, and gets the pending events in turn: from then on it counts further.
    await until('an event received by the stopped process', () =>
      stopped.lines.slice(before).some(({ id }) => id !== undefined),
    );
    for (const late of stopped.lines.slice(before)) assert.ok(late.id === undefined || (late.attempt ?? 0) > attempt);
  });

  it('an owner whose lease another one took can settle nothing, and says so', async () => {
    await using gateway = await replica(`${randomUUID()}:`, { partitions: 1 });
    const consumer = await gateway.connect({ acks: false });
    await gateway.publish(events(['call', 'other'], 1));
    await until('2 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 2 });
    const { owner, token } = groupKeys(gateway.place.keyPrefix, 0, NAME);
    const taken = await gateway.client.incr(token);
    await gateway.client.set(owner, `another:${taken}`);
    const outcome = await consumer.membership.ack(['call/0']);
    assert.ok(!outcome.ok && outcome.code === 'moved');
    assert.equal((await consumer.membership.term('other/0')).ok, false);
    assert.equal(await pendingInRedis(gateway.place), 2);
    assert.equal(consumer.membership.standby, true);
    await gateway.client.del(owner);
    await until('4 events received by consumer', () => consumer.ids.length, { holds: (seen) => seen === 4 });
    for (const { attempt } of consumer.received.slice(2)) assert.equal(attempt, 2);
  });
});
