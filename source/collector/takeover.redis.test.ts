import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import type { EventLog } from '../../event-log/event-log.ts';
import { createFreeswitchMapper } from '../freeswitch/freeswitch-mapper.ts';
import type { SwitchEvent } from '../mapper.ts';
import { defaultMappingOptions } from '../mapping-options.ts';
import { until } from '../../testing/until.ts';
import { assertAllInOrder, assertOrder, assertWholeLegs, split } from './testing/judge.ts';
import type { Replica } from './testing/replicas.ts';
import { callsOf, ENDPOINTS, listingOf, mappedBy, openStage, type Scene, type Stage } from './testing/stage.ts';

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

/** Waits as long as the schema allows for the account of a CREATE. */
const patientMapper = () => createFreeswitchMapper({ ...defaultMappingOptions(), park: 'Valet', holdMs: 2_000 });

/**
 * Two places in these events: at the first a CREATE waits for its account, and still does at the second; in between is an
 * event that a replica which begins to listen at the first place has too.
 */
function whileOneWaits(events: readonly SwitchEvent[]): readonly [joins: number, stops: number] {
  const leader = patientMapper();
  for (const [index, event] of events.entries()) {
    leader.feed(event, 0);
    const held = leader.heldFrom();
    if (held === null) continue;
    const joins = index + 1;
    const standby = patientMapper();
    standby.adopt(listingOf('fs1', events.slice(0, joins)), { from: 0, to: 0, restarted: false });
    const ahead = patientMapper();
    for (const earlier of events.slice(0, joins)) ahead.feed(earlier, 0);
    for (const [further, next] of events.slice(joins).entries()) {
      const ids = ahead.feed(next, 0).events.map(({ eventId }) => eventId);
      if (ahead.heldFrom() !== held) break;
      const own = new Set(standby.feed(next, 0).events.map(({ eventId }) => eventId));
      const last = ids.at(-1);
      if (last !== undefined && own.has(last)) return [joins, joins + further + 1];
    }
  }
  throw new Error('no CREATE waits in these events');
}

test(
  'S3, S4: a standby that joined while a CREATE waited for its account does not pass over it when the leader stops',
  TIME_LIMIT,
  async () => {
    await using scene = stage.source();
    const { fs1 } = scene.switches;
    const calls = callsOf('fs1', { copies: 3, seed: 'waiting' });
    const [joins, stops] = whileOneWaits(calls);
    const patient = (name: string) =>
      scene.replica(name, { endpoints: [{ ...scene.endpoint(name, 'fs1'), createMapper: patientMapper }] });
    const first = await patient('first');
    await until('the first leads', () => first.leads('fs1') && first.isInStep('fs1'));
    fs1.say(calls.slice(0, joins));
    const second = await patient('second');
    await until('the second live', () => second.isLive('fs1'));
    fs1.say(calls.slice(joins, stops));
    await first[Symbol.asyncDispose]();
    await until('the second leads', () => second.leads('fs1'));
    fs1.say(calls.slice(stops));
    const last = mappedBy('fs1', calls).at(-1)?.eventId;
    const entries = await until('the last event in the log', () => scene.entries(), {
      holds: (seen) => seen.some(({ eventId }) => eventId === last),
      limitMs: 30_000,
    });
    const { events, gaps } = split(entries);
    assertWholeLegs(events);
    assert.deepEqual(
      gaps.map(({ endpoint }) => endpoint),
      ['fs1'],
    );
  },
);
