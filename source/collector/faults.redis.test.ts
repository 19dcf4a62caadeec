import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import type { RedisAddress } from '../../runtime/redis/connection.ts';
import { startCluster } from '../../testing/redis-cluster.ts';
import { connectionWith } from '../../testing/redis-connection.ts';
import { MASTER_NAME, startSentinel } from '../../testing/redis-sentinel.ts';
import { until } from '../../testing/until.ts';
import type { SwitchEvent } from '../mapper.ts';
import { assertAllInOrder, assertOrder, assertWholeLegs, split } from './testing/judge.ts';
import { silentObserver, type CollectorObserver } from './observer.ts';
import type { Replica } from './testing/replicas.ts';
import { callsOf, ENDPOINTS, mappedBy, openStage, Scene, type Stage } from './testing/stage.ts';

const TIME_LIMIT = { timeout: 120_000 };

let stage: Stage;
before(async () => {
  stage = await openStage();
});
after(() => stage[Symbol.asyncDispose]());

const inStep = (replicas: readonly Replica[]) =>
  until('all in step', () =>
    ENDPOINTS.every((name) => replicas.some((one) => one.leads(name)) && replicas.every((one) => one.isInStep(name))),
  );

type Calls = Readonly<Record<(typeof ENDPOINTS)[number], readonly SwitchEvent[]>>;
const callsFor = (seed: string, copies = 8): Calls => ({
  fs1: callsOf('fs1', { copies, seed }),
  pbx1: callsOf('pbx1', { copies, seed }),
});
const expectedOf = (calls: Calls) => ENDPOINTS.flatMap((name) => mappedBy(name, calls[name]));

/** Sends a part of the calls, from one tenth to another. */
function say(scene: Scene, calls: Calls, [from, to]: readonly [number, number]): void {
  for (const name of ENDPOINTS) {
    const at = (tenth: number) => Math.floor((calls[name].length * tenth) / 10);
    scene.switches[name].say(calls[name].slice(at(from), at(to)));
  }
}

async function assertAll(scene: Scene, calls: Calls): Promise<void> {
  const expected = expectedOf(calls);
  const entries = await until('as many events in the log', () => scene.entries(), {
    holds: (seen) => split(seen).events.length >= expected.length,
    limitMs: 40_000,
  });
  assertAllInOrder(split(entries).events, expected);
  assert.deepEqual(split(entries).gaps, []);
}

/** A source whose Redis has this address; one leader is killed in the middle. */
async function assertTakesOver(address: RedisAddress, between: () => Promise<void>, waitReplicas = 0): Promise<void> {
  const reader = commandClient(address, { logger: silentLogger, name: 'test' });
  assert.ok(await becomesReady(reader, 30_000));
  await using scene = new Scene({ address, reader }, 'stage-x:');
  const replicas = [await scene.replica('a', { waitReplicas }), await scene.replica('b', { waitReplicas })];
  await inStep(replicas);
  const calls = callsFor('elsewhere');
  say(scene, calls, [0, 4]);
  await between();
  say(scene, calls, [4, 7]);
  await inStep(replicas);
  const leader = replicas.find((replica) => replica.leads('fs1'));
  assert.ok(leader !== undefined);
  scene.kill(leader);
  say(scene, calls, [7, 10]);
  await assertAll(scene, calls);
  reader.disconnect();
}

test('S1, S2: a Redis that is killed and comes back costs nothing', TIME_LIMIT, async () => {
  await using own = await openStage();
  await using scene = own.source();
  const replicas = [await scene.replica('a'), await scene.replica('b')];
  await inStep(replicas);
  const calls = callsFor('away');
  say(scene, calls, [0, 3]);
  await own.redis.kill();
  say(scene, calls, [3, 6]);
  await own.redis.restart();
  say(scene, calls, [6, 10]);
  await assertAll(scene, calls);
});

test('S1, S2: a Redis without room refuses, and then takes all in order', TIME_LIMIT, async () => {
  await using own = await openStage();
  await using scene = own.source();
  let refused = 0;
  const eventAppended: CollectorObserver['eventAppended'] = (_, __, outcome) => {
    if (outcome === 'failed') refused += 1;
  };
  const observer = { ...silentObserver, eventAppended };
  // The default duration of the lease: a full Redis grants no new one.
  const more = { observer, limits: {} };
  const replicas = [await scene.replica('a', more), await scene.replica('b', more)];
  await inStep(replicas);
  const calls = callsFor('full');
  say(scene, calls, [0, 3]);
  await own.reader.config('SET', 'maxmemory', '1');
  say(scene, calls, [3, 8]);
  await until('some refusals', () => refused > 100);
  await own.reader.config('SET', 'maxmemory', '0');
  say(scene, calls, [8, 10]);
  await assertAll(scene, calls);
});

test('S1, S2: a failover to a replica, and then of the leader', TIME_LIMIT, async () => {
  await using sentinel = await startSentinel({ replicas: 2 });
  const address = connectionWith(sentinel.url, { mode: 'Sentinel', sentinel: { masterName: MASTER_NAME } });
  const failover = async () => {
    const old = await sentinel.master();
    await old.kill();
    await sentinel.failedOver(old);
  };
  await assertTakesOver(address, failover, 1);
});

test('S1, S2: a Redis Cluster, with all keys of a source on one shard', TIME_LIMIT, async () => {
  await using cluster = await startCluster();
  await assertTakesOver(connectionWith(cluster.url, { mode: 'Cluster' }), () => Promise.resolve());
});

test(
  'S3, S6: a log that is away for too long costs events between begin and end, and is told',
  TIME_LIMIT,
  async () => {
    await using own = await openStage();
    await using scene = own.source();
    const limits = { leaseMs: 1_000, turnMs: 250, ringEvents: 300, ringBytes: 400_000 };
    const replicas = [await scene.replica('a', { limits }), await scene.replica('b', { limits })];
    await inStep(replicas);
    const calls = callsFor('overflow', 20);
    say(scene, calls, [0, 1]);
    await inStep(replicas);
    await own.reader.config('SET', 'maxmemory', '1');
    for (let tenth = 1; tenth < 9; tenth += 1) {
      say(scene, calls, [tenth, tenth + 1]);
      for (const { collector } of replicas) {
        const { ringBytes, endpoints } = collector.figures();
        assert.ok(ringBytes <= limits.ringBytes, `${ringBytes} bytes`);
        const kept = endpoints.reduce((sum, one) => sum + one.kept, 0);
        assert.ok(kept <= limits.ringEvents, `${kept} events`);
      }
    }
    await own.reader.config('SET', 'maxmemory', '0');
    say(scene, calls, [9, 10]);
    await until('nothing kept back', () =>
      ENDPOINTS.every((name) =>
        replicas.some(
          (one) => one.leads(name) && one.collector.figures().endpoints.every(({ backlog }) => backlog === 0),
        ),
      ),
    );
    // Legs whose CREATE was given up are not in the log: later calls show the end of the outage.
    const after = {
      fs1: callsOf('fs1', { copies: 1, seed: 'later', first: 50_000 }),
      pbx1: callsOf('pbx1', { copies: 1, seed: 'later' }),
    };
    say(scene, after, [0, 10]);
    const expected = ENDPOINTS.flatMap((name) => mappedBy(name, [...calls[name], ...after[name]]));
    const last = ENDPOINTS.map((name) => mappedBy(name, after[name]).at(-1)?.eventId);
    const entries = await until('no leg open in the log', async () => split(await scene.entries()).events, {
      holds: (events) =>
        last.every((id) => events.some(({ eventId }) => eventId === id)) &&
        [...Map.groupBy(events, ({ callId }) => callId).values()].every(
          (leg) => leg.at(-1)?.name === 'CHANNEL_DESTROY',
        ),
      limitMs: 30_000,
    });
    assertWholeLegs(entries);
    assertOrder(entries, expected);
    const { gaps } = split(await scene.entries());
    assert.deepEqual(new Set(gaps.map(({ reason }) => reason)), new Set(['overflow']));
  },
);

test('an append that hangs ends with the source, within two seconds', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const replica = await scene.replica('a', { slowed: () => () => new Promise(() => undefined) });
  await until('it leads', () => replica.leads('fs1'));
  say(scene, callsFor('hangs', 1), [0, 10]);
  // By a timer of this process: a busy machine delays both.
  const late = delay(5_000, 'late', { ref: false });
  assert.notEqual(await Promise.race([replica.collector[Symbol.asyncDispose](), late]), 'late');
});

test('a stop appends what is left and frees the lease at once', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const [first, second] = [await scene.replica('a'), await scene.replica('b')];
  await inStep([first, second]);
  const calls = callsFor('stop', 3);
  say(scene, calls, [0, 10]);
  const leader = first.leads('fs1') ? first : second;
  await leader.collector[Symbol.asyncDispose]();
  await assertAll(scene, calls);
  const lead = await stage.reader.get(`${scene.keyPrefix}{source:voice/pbx}:lead:fs1`);
  assert.ok(lead === null || !lead.startsWith(`${leader.name}:`));
});

test('endpoints are replaced, added and removed while it runs', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const replica = await scene.replica('a', { endpoints: [scene.endpoint('a', 'fs1')] });
  await until('it leads', () => replica.isInStep('fs1'));
  const calls = callsFor('changed', 3);
  scene.switches.fs1.say(calls.fs1.slice(0, 30));
  const both = [scene.endpoint('a', 'fs1'), scene.endpoint('a', 'pbx1')];
  replica.collector.setEndpoints(both);
  await until('both lead', () => ENDPOINTS.every((name) => replica.isInStep(name) && replica.leads(name)));
  assert.equal(scene.switches.fs1.opened, 2, 'another object is another connection');
  replica.collector.setEndpoints(both.toReversed());
  for (const name of ENDPOINTS) scene.switches[name].say(calls[name].slice(name === 'fs1' ? 30 : 0));
  const ids = ENDPOINTS.map((name) => mappedBy(name, calls[name]).at(-1)?.eventId);
  const entries = await until('the last events', () => scene.entries(), {
    holds: (seen) => ids.every((id) => seen.some(({ eventId }) => eventId === id)),
  });
  assertWholeLegs(split(entries).events);
  assert.equal(scene.switches.fs1.opened, 2, 'the same object goes on');
  replica.collector.setEndpoints([]);
  await until('none connected', () => ENDPOINTS.every((name) => scene.switches[name].connected.length === 0));
  const reports = await until(
    'no report left',
    () => stage.reader.hlen(`${scene.keyPrefix}{source:voice/pbx}:reports`),
    {
      holds: (count) => count === 0,
    },
  );
  assert.equal(reports, 0);
});
