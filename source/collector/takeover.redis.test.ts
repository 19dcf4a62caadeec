import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import type { EventLog } from '../../event-log/event-log.ts';
import { until } from '../../testing/until.ts';
import { assertAllInOrder, assertOrder, assertWholeLegs, split } from './testing/judge.ts';
import type { Replica } from './testing/replicas.ts';
import { callsOf, ENDPOINTS, mappedBy, openStage, type Scene, type Stage } from './testing/stage.ts';

const TIME_LIMIT = { timeout: 120_000 };

let stage: Stage;
before(async () => {
  stage = await openStage();
});
after(() => stage[Symbol.asyncDispose]());

const everywhere = (replicas: readonly Replica[], holds: (replica: Replica, endpoint: string) => boolean) =>
  ENDPOINTS.every((endpoint) => replicas.some((replica) => holds(replica, endpoint)));
const leading = (replicas: readonly Replica[]) => everywhere(replicas, (replica, name) => replica.leads(name));
const allLive = (replicas: readonly Replica[]) =>
  ENDPOINTS.every((name) => replicas.every((replica) => replica.isLive(name)));

const inStep = (replicas: readonly Replica[]) =>
  leading(replicas) && ENDPOINTS.every((name) => replicas.every((replica) => replica.isInStep(name)));

const expectedOf = (calls: Readonly<Record<(typeof ENDPOINTS)[number], ReturnType<typeof callsOf>>>) =>
  ENDPOINTS.flatMap((name) => mappedBy(name, calls[name]));

async function settled(scene: Scene, count: number) {
  const { events } = split(
    await until('as many events in the log', () => scene.entries(), {
      holds: (seen) => split(seen).events.length >= count,
      limitMs: 30_000,
    }),
  );
  return events;
}

/** The log accepts events, but slowly: the leading replica lags. */
const slowly = (log: Pick<EventLog, 'append'>): EventLog['append'] => {
  return async (events) => {
    await delay(30);
    return log.append(events);
  };
};

test('S1, S2: two replicas tell each event of two switches once, in the order of each leg', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const replicas = [await scene.replica('a'), await scene.replica('b')];
  await until('both in step', () => inStep(replicas));
  const calls = {
    fs1: callsOf('fs1', { copies: 10, seed: 'one' }),
    pbx1: callsOf('pbx1', { copies: 10, seed: 'two' }),
  };
  for (const name of ENDPOINTS) scene.switches[name].say(calls[name]);
  const expected = expectedOf(calls);
  const entries = await settled(scene, expected.length);
  assertAllInOrder(entries, expected);
  assertWholeLegs(entries);
  assert.deepEqual(new Set(entries.map(({ account }) => account)), new Set(['acme', 'globex']));
  assert.deepEqual(split(await scene.entries()).gaps, [], 'nothing was missed');
});

test(
  'S1, S2: leaders die in the middle of their work, and nothing is lost, doubled or out of order',
  TIME_LIMIT,
  async () => {
    await using scene = stage.source();
    let replicas = [await scene.replica('0', { slowed: slowly }), await scene.replica('1', { slowed: slowly })];
    await until('all in step', () => inStep(replicas));
    const rounds = 8;
    const calls = {
      fs1: callsOf('fs1', { copies: 25, seed: 'three' }),
      pbx1: callsOf('pbx1', { copies: 25, seed: 'four' }),
    };
    for (let round = 0; round < rounds; round += 1) {
      for (const name of ENDPOINTS) {
        const part = Math.ceil(calls[name].length / rounds);
        scene.switches[name].say(calls[name].slice(round * part, (round + 1) * part));
      }
      const [victim, other] = replicas.toSorted((one, two) => Number(two.leads('fs1')) - Number(one.leads('fs1')));
      assert.ok(victim !== undefined && other !== undefined);
      scene.kill(victim);
      replicas = [other, await scene.replica(String(round + 2), { slowed: slowly })];
      await until('the next one in step', () => inStep(replicas));
    }
    const expected = expectedOf(calls);
    const entries = await settled(scene, expected.length);
    assertAllInOrder(entries, expected);
    assertWholeLegs(entries);
    assert.deepEqual(split(await scene.entries()).gaps, []);
  },
);

test('S2: a standby joins while another lags, and no leg is out of order when it takes over', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const calls = {
    fs1: callsOf('fs1', { copies: 40, seed: 'five' }),
    pbx1: callsOf('pbx1', { copies: 40, seed: 'six' }),
  };
  const half = (name: (typeof ENDPOINTS)[number]) => Math.floor(calls[name].length / 2);
  let isOpen = true;
  const first = await scene.replica('first', {
    slowed: (log) => (events) => (isOpen ? log.append(events) : new Promise(() => undefined)),
  });
  await until('the first in step', () => inStep([first]));
  for (const name of ENDPOINTS) scene.switches[name].say(calls[name].slice(0, 100));
  await until('a part in the log', async () => (await scene.entries()).length > 0);
  isOpen = false;
  for (const name of ENDPOINTS) scene.switches[name].say(calls[name].slice(100, half(name)));
  const second = await scene.replica('second');
  await until('the second live', () => allLive([second]));
  for (const name of ENDPOINTS) scene.switches[name].say(calls[name].slice(half(name)));
  scene.kill(first);
  await until('the second leads', () => leading([second]));
  const expected = expectedOf(calls);
  const last = ENDPOINTS.map((name) => mappedBy(name, calls[name]).at(-1)?.eventId);
  const entries = await until('the last events in the log', () => scene.entries(), {
    holds: (seen) =>
      last.every((id) => seen.some(({ eventId }) => eventId === id)) &&
      [...Map.groupBy(split(seen).events, ({ callId }) => callId).values()].every(
        (leg) => leg.at(-1)?.name === 'CHANNEL_DESTROY',
      ),
    limitMs: 30_000,
  });
  const { events, gaps } = split(entries);
  assertOrder(events, expected);
  assertWholeLegs(events);
  // Events that only the first replica had received died with it: the log says so before anything newer.
  assert.deepEqual(gaps.map(({ endpoint }) => endpoint).toSorted(), [...ENDPOINTS]);
});
