import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sourceKeys } from '../../protocol/keys.ts';
import { until } from '../../testing/until.ts';
import type { SwitchEvent } from '../mapper.ts';
import { assertOrder, assertWholeLegs, split } from './testing/judge.ts';
import type { Replica } from './testing/replicas.ts';
import { callsOf, mappedBy, openStage, type Scene, type Stage } from './testing/stage.ts';

const TIME_LIMIT = { timeout: 120_000 };
const NEVER = () => new Promise<never>(() => undefined);

let stage: Stage;
before(async () => {
  stage = await openStage();
});
after(() => stage[Symbol.asyncDispose]());

const one = (scene: Scene, name: string, more: Parameters<Scene['replica']>[1] = {}) =>
  scene.replica(name, { endpoints: [scene.endpoint(name, 'fs1')], ...more });
const inStep = (...replicas: readonly Replica[]) =>
  until(
    'all in step, one leading',
    () => replicas.every((r) => r.isInStep('fs1')) && replicas.some((r) => r.leads('fs1')),
  );

/** Waits until the log has the last event of each leg that results from these switch events. */
async function stored(scene: Scene, said: readonly SwitchEvent[]) {
  const last = [...Map.groupBy(mappedBy('fs1', said), ({ callId }) => callId).values()].map((leg) => leg.at(-1));
  const ends = last.filter((event) => event?.name === 'CHANNEL_DESTROY' || event === last.at(-1));
  const entries = await until('the ends of all legs in the log', () => scene.entries(), {
    holds: (seen) => {
      const ids = new Set(seen.map(({ eventId }) => eventId));
      return (
        ids.has(last.at(-1)?.eventId ?? '') &&
        ends.every((event) => ids.has(event?.eventId ?? '') || !begunIn(seen, event?.callId))
      );
    },
    limitMs: 30_000,
  });
  return { entries, ...split(entries) };
}

/** A leg that no replica received is not in the log. */
const begunIn = (entries: Awaited<ReturnType<Scene['entries']>>, callId = '') =>
  entries.some((entry) => entry.callId === callId);

const calls = (seed: string, life = 1) => callsOf('fs1', { copies: 6, seed, life });

test('S3, S4: what all replicas missed is one gap, and each leg ends once', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const { fs1 } = scene.switches;
  const replicas = [await one(scene, 'a'), await one(scene, 'b')];
  await inStep(...replicas);
  const said = calls('missed');
  const third = Math.floor(said.length / 3);
  fs1.say(said.slice(0, third));
  await stored(scene, said.slice(0, third));
  fs1.cut(undefined, 'Unreachable');
  await until('none live', () => replicas.every((replica) => !replica.isLive('fs1')));
  fs1.say(said.slice(third, 2 * third));
  fs1.heal();
  await inStep(...replicas);
  fs1.say(said.slice(2 * third));
  const { events, gaps } = await stored(scene, said);
  assertOrder(events, mappedBy('fs1', said));
  assertWholeLegs(events);
  const [gap, ...others] = gaps;
  assert.deepEqual(others, [], 'two replicas found it, and one told it');
  assert.equal(gap?.reason, 'connection_lost');
  const synthetic = (name: string) =>
    events.filter((event) => event.name === name && event.data.includes('"Firehose-Synthetic"')).length;
  assert.deepEqual([gap?.legs_begun, gap?.legs_ended], [synthetic('CHANNEL_CREATE'), synthetic('CHANNEL_DESTROY')]);
  assert.ok((gap?.legs_ended ?? 0) > 0);
  const [last] = await until(
    'the last gap for the status',
    () => stage.reader.hvals(sourceKeys(scene.keyPrefix, 'voice/pbx').gaps),
    {
      holds: (seen) => seen.length === 1,
    },
  );
  assert.deepEqual(JSON.parse(last ?? ''), gap, 'the status has it, and no gap is pending');
});

test('S3, S4: an endpoint that was removed and comes back tells the gap, and ends its legs', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const { fs1 } = scene.switches;
  const endpoints = [scene.endpoint('a', 'fs1')];
  const replica = await scene.replica('a', { endpoints });
  await inStep(replica);
  const said = calls('removed');
  const third = Math.floor(said.length / 3);
  fs1.say(said.slice(0, third));
  await stored(scene, said.slice(0, third));
  replica.collector.setEndpoints([]);
  await until('it has left the switch', () => replica.collector.figures().endpoints.length === 0);
  fs1.say(said.slice(third, 2 * third));
  replica.collector.setEndpoints(endpoints);
  await inStep(replica);
  fs1.say(said.slice(2 * third));
  const { events, gaps } = await stored(scene, said);
  assert.equal(gaps.length, 1);
  assert.ok((gaps[0]?.legs_ended ?? 0) > 0);
  assertOrder(events, mappedBy('fs1', said));
  assertWholeLegs(events);
});

test('S4: the gap is in the log before anything newer of the switch', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const { fs1 } = scene.switches;
  const seen: string[][] = [];
  const replica = await one(scene, 'a', {
    slowed: (log) => (batch) => {
      seen.push(batch.map(({ name }) => name));
      return log.append(batch);
    },
  });
  await inStep(replica);
  fs1.cut(undefined, 'Unreachable');
  await until('not live', () => !replica.isLive('fs1'));
  const said = calls('before');
  fs1.heal();
  // Sent before the leader knows that there is a gap.
  await until('connected', () => fs1.connected.length === 1);
  fs1.say(said);
  await stored(scene, said);
  assert.deepEqual(seen[0], ['source.gap'], 'it is appended alone, and first');
});

test('S4: a replica that comes back while another listened tells nothing', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const { fs1 } = scene.switches;
  const replicas = [await one(scene, 'a'), await one(scene, 'b')];
  await inStep(...replicas);
  const said = calls('sibling');
  const part = Math.ceil(said.length / 5);
  for (let round = 0; round < 5; round += 1) {
    // Each time, the leader breaks: the other one takes over, and has the events that the leader missed.
    const leader = replicas.find((replica) => replica.leads('fs1'))?.name ?? '';
    fs1.say(said.slice(round * part, round * part + 10));
    fs1.cut(leader);
    fs1.say(said.slice(round * part + 10, (round + 1) * part));
    await inStep(...replicas);
  }
  const { events, gaps } = await stored(scene, said);
  assert.deepEqual(gaps, []);
  assertWholeLegs(events);
  const expected = mappedBy('fs1', said);
  assert.deepEqual(events.map(({ eventId }) => eventId).toSorted(), expected.map(({ eventId }) => eventId).toSorted());
  assertOrder(events, expected);
});

test('S4: a leader that dies between finding a gap and appending it does not lose it', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const { fs1 } = scene.switches;
  let isOpen = true;
  const first = await one(scene, 'a', { slowed: (log) => (batch) => (isOpen ? log.append(batch) : NEVER()) });
  await inStep(first);
  const said = calls('found');
  fs1.say(said.slice(0, 30));
  await stored(scene, said.slice(0, 30));
  fs1.cut(undefined, 'Unreachable');
  await until('not live', () => !first.isLive('fs1'));
  fs1.say(said.slice(30, 60));
  isOpen = false;
  fs1.heal();
  const pending = () => stage.reader.hgetall(sourceKeys(scene.keyPrefix, 'voice/pbx').gaps);
  await until('the gap written down', async () => Object.keys(await pending()).length === 1);
  scene.kill(first);
  const second = await one(scene, 'b');
  await inStep(second);
  fs1.say(said.slice(60));
  const { events, gaps } = await stored(scene, said);
  assertWholeLegs(events);
  assertOrder(events, mappedBy('fs1', said));
  const [found] = Object.values(await pending());
  assert.ok(gaps.length === 2 && found !== undefined, 'the first one, and the time until the next leader listened');
  const [earlier, later] = gaps.toSorted((one, two) => one.from - two.from);
  assert.equal(earlier?.to, later?.from, 'without a hole between');
});

test('S4: a switch that was restarted ends all legs, with the reason', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const { fs1 } = scene.switches;
  const replicas = [await one(scene, 'a'), await one(scene, 'b')];
  await inStep(...replicas);
  const earlier = calls('life one');
  fs1.say(earlier.slice(0, 100));
  await stored(scene, earlier.slice(0, 100));
  fs1.restart();
  await until('none live', () => replicas.every((replica) => !replica.isLive('fs1')));
  await inStep(...replicas);
  const later = calls('life two', 2);
  fs1.say(later);
  const { events, gaps } = await stored(scene, later);
  assertWholeLegs(events);
  assert.deepEqual(
    gaps.map(({ reason }) => reason),
    ['switch_restarted'],
  );
  const crashed = events.filter(({ data }) => data.includes('"Hangup-Cause":"CRASH"'));
  assert.equal(crashed.length, gaps[0]?.legs_ended);
  assert.ok(crashed.length > 0);
});

test('S4: a half-open connection is not listening', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const { fs1 } = scene.switches;
  const replica = await one(scene, 'a');
  await inStep(replica);
  const said = calls('half open');
  fs1.say(said.slice(0, 40));
  await stored(scene, said.slice(0, 40));
  const mutedAt = Date.now();
  fs1.mute('a');
  fs1.say(said.slice(40, 80));
  await until('a second later', () => Date.now() > mutedAt + 1_000);
  fs1.cut('a');
  await until('not live', () => !replica.isLive('fs1'));
  await inStep(replica);
  fs1.say(said.slice(80));
  const { events, gaps } = await stored(scene, said);
  assertWholeLegs(events);
  assert.equal(gaps.length, 1);
  const [gap] = gaps;
  assert.ok(gap !== undefined && gap.to - gap.from >= 1_000, 'it begins when the switch was last heard');
});

test(
  'S3, S4: a source of which no replica was left ends the legs that are gone, and begins none twice',
  TIME_LIMIT,
  async () => {
    await using scene = stage.source();
    const { fs1 } = scene.switches;
    const said = calls('not started');
    const half = Math.floor(said.length / 2);
    const first = await one(scene, 'a');
    await inStep(first);
    fs1.say(said.slice(0, half));
    await stored(scene, said.slice(0, half));
    await first[Symbol.asyncDispose]();
    fs1.say(said.slice(half, half + 60));
    // As after more than ten minutes: the log no longer recognises its ids.
    const seen = await stage.reader.keys(`${scene.keyPrefix}{*}:seen:*`);
    await stage.reader.del(...seen);
    const second = await one(scene, 'b');
    await inStep(second);
    fs1.say(said.slice(half + 60));
    const { events, gaps } = await stored(scene, said);
    assertWholeLegs(events);
    assertOrder(events, mappedBy('fs1', said));
    assert.deepEqual(
      gaps.map(({ reason }) => reason),
      ['not_started'],
    );
    for (const { name, account, callId, data } of events) {
      if (name !== 'CHANNEL_DESTROY') continue;
      const begun = events.find((event) => event.callId === callId && event.name === 'CHANNEL_CREATE');
      assert.ok(begun?.account === '' || account === begun?.account, 'it ends in the account in which it began (S8)');
      assert.doesNotMatch(data, /"CHANNEL_CREATE"|"Channel-Call-State":"DOWN"/);
    }
    await until(
      'no open leg left',
      async () => (await stage.reader.hlen(sourceKeys(scene.keyPrefix, 'voice/pbx').legs('fs1'))) === 0,
    );
  },
);

test('the first day of a switch has no gap, and begins the legs that exist', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const { fs1 } = scene.switches;
  const said = calls('first day');
  fs1.say(said.slice(0, 100));
  const replica = await one(scene, 'a');
  await inStep(replica);
  fs1.say(said.slice(100));
  const { events, gaps } = await stored(scene, said);
  assert.deepEqual(gaps, []);
  assertWholeLegs(events);
});

test('what the switch says between the subscription and the listing wins over the listing', TIME_LIMIT, async () => {
  await using scene = stage.source();
  const { fs1 } = scene.switches;
  const said = calls('meanwhile');
  fs1.onListing = () => {
    fs1.onListing = null;
    fs1.say(said.slice(0, 150));
  };
  const replica = await one(scene, 'a');
  await inStep(replica);
  fs1.say(said.slice(150));
  const { events } = await stored(scene, said);
  assert.deepEqual(
    events.filter(({ data }) => data.includes('"Firehose-Synthetic"')),
    [],
  );
  assertOrder(events, mappedBy('fs1', said));
  assertWholeLegs(events);
});
