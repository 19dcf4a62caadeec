import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createRandom } from '../protocol/simulator/random.ts';
import { createKazooMapper } from './kazoo/kazoo-mapper.ts';
import type { MappedEvent } from './mapper.ts';
import { defaultMappingOptions } from './mapping-options.ts';
import { interleaved, mutated, noChanges } from './testing/mutations.ts';
import { byLeg, mapAll, recordings, type RecordedEvent, type Recording } from './testing/recordings.ts';
import { assertAlternation, assertWholeLegs } from './testing/whole-legs.ts';

const ALL = recordings();
const SEEDS = Array.from({ length: 12 }, (_, index) => `mutation ${index}`);
const HIDDEN =
  /"(Local-SDP|Remote-SDP|Custom-SIP-Headers|Media-Server|Switch-[^"]*|Node|DTMF-Digit|Transfer-History)":/;

/** What holds whatever a switch says. */
function assertEvents(events: readonly MappedEvent[], where: string): void {
  assert.equal(new Set(events.map(({ eventId }) => eventId)).size, events.length, `${where}: ids are unique`);
  for (const { eventId, json, callId, account } of events) {
    assert.match(eventId, /^[A-Za-z0-9._:-]{1,128}$/, where);
    assert.ok(json.isWellFormed() && Buffer.byteLength(json) < 65_536, where);
    assert.doesNotMatch(json, HIDDEN, where);
    const body = JSON.parse(json) as Record<string, unknown>;
    assert.equal(body['Call-ID'], callId, where);
    assert.ok(account.length <= 128, where);
  }
}

/** Answered once; Asterisk's mapper follows holds, FreeSWITCH's tells what comes. */
function assertLegs(events: readonly MappedEvent[], open: readonly string[], where: string): void {
  assertWholeLegs(events, open, where);
  if (where.startsWith('asterisk')) assertAlternation(events, where);
}

/** In the order of the switch as it is told: positions of a leg never go back. */
function assertOrder(events: readonly MappedEvent[], where: string): void {
  for (const leg of byLeg(events).values()) {
    const order = leg.map(({ position }) => Number(position.slice(position.lastIndexOf(':') + 1)));
    const sorted = order.toSorted((a, b) => a - b);
    assert.deepEqual(order, sorted, where);
  }
}

/** The clock of the recorder does not go back. */
function inTime(events: readonly RecordedEvent[]): readonly RecordedEvent[] {
  let latest = 0;
  return events.map(({ event, received }) => ({ event, received: (latest = Math.max(latest, received)) }));
}

test('S2 S3 S9: recordings with events dropped, doubled and moved still become whole legs', (t) => {
  const changes = noChanges();
  let [mapped, synthetic] = [0, 0];
  for (const { name, mapper, events } of ALL) {
    for (const seed of SEEDS) {
      const where = `${name}, ${seed}`;
      const switched = mapper();
      const found = mapAll(switched, inTime(mutated(events, createRandom(`${name} ${seed}`), changes)));
      assertLegs(found, switched.liveLegs(), where);
      assertEvents(found, where);
      assertOrder(found, where);
      mapped += found.length;
      synthetic += found.filter((event) => event.synthetic !== null).length;
    }
  }
  t.diagnostic(`${ALL.length} recordings, ${SEEDS.length} seeds: ${mapped} events, ${synthetic} of them synthetic`);
  t.diagnostic(JSON.stringify(changes));
  assert.ok(changes.dropped > 500 && changes.doubled > 500 && changes.moved > 500 && synthetic > 100);
});

test('S3: mutated recordings that are cut at every line, then listed, become whole legs', (t) => {
  let cuts = 0;
  for (const [number, source] of ALL.entries()) {
    const seed = SEEDS[number % SEEDS.length] ?? '';
    const events = inTime(mutated(source.events, createRandom(`${source.name} ${seed}`), noChanges()));
    for (let cut = 0; cut <= events.length; cut += 1, cuts += 1) {
      const mapper = source.mapper();
      const before = events.slice(0, cut).flatMap(({ event, received }) => mapper.feed(event, received).events);
      const at = events[Math.min(cut, events.length) - 1]?.received ?? 0;
      // What the switch lists is what is, whatever was told of it.
      const listed = source.listing(Math.min(source.events.length, cut + (number % 3)));
      const adopted = mapper.adopt(listed, { from: at, to: at + 1, restarted: cut % 7 === 0 });
      const after = mapAll(mapper, events.slice(cut));
      // A listing of Asterisk does not tell what is held: the first Unhold is believed.
      assertWholeLegs([...before, ...adopted, ...after], mapper.liveLegs(), `${source.name}, ${seed}, cut at ${cut}`);
    }
  }
  t.diagnostic(`${cuts} cuts`);
});

test('S8: two recordings of one switch at a time, mutated, share no account', (t) => {
  const folderOf = ({ name }: Recording) => name.slice(0, name.lastIndexOf('/'));
  // Both are of one clock and one life: the crashes are of two.
  const groups = Map.groupBy(
    ALL.filter(({ name }) => !name.includes('crash') && !name.includes('_queued')),
    folderOf,
  );
  let pairs = 0;
  for (const [folder, group] of groups) {
    for (const [index, one] of group.entries()) {
      const other = group[(index + 1) % group.length];
      if (other === undefined || other === one) continue;
      const where = `${folder}: ${one.name} with ${other.name}`;
      const random = createRandom(where);
      const owners = new Map<string, Set<string>>();
      for (const { name, mapper, events } of [one, other]) {
        const alone = mapAll(mapper(), events);
        const accounts = alone.map(({ account }) => account);
        for (const { callId } of alone) owners.set(callId, new Set(['', ...accounts]));
        assert.ok(accounts.length > 0, name);
      }
      const mapper = one.mapper();
      const both = mutated(interleaved(one.events, other.events, random), random, noChanges());
      // Two calls were placed one after the other: what came first is later here.
      const found = mapAll(
        mapper,
        both.map(({ event }, at) => ({ event, received: 1_000 + at })),
      );
      pairs += 1;
      assertEvents(found, where);
      for (const { callId, account } of found) {
        const allowed = owners.get(callId);
        assert.ok(allowed === undefined || allowed.has(account), `${where}: ${callId} has ${account}`);
      }
    }
  }
  t.diagnostic(`${pairs} pairs of recordings`);
  assert.ok(pairs > 50);
});

test('S3 S9: mutated messages of Kazoo: one CREATE first, after the end only what applications tell', (t) => {
  const changes = noChanges();
  let mapped = 0;
  for (const name of ['derived-call-events', 'call-events-2015']) {
    const fixture = new URL(`../gateway/ingest/fixtures/${name}.ndjson`, import.meta.url);
    const lines = readFileSync(fixture, 'utf8').split('\n');
    for (const seed of SEEDS) {
      const where = `${name}, ${seed}`;
      const mapper = createKazooMapper(defaultMappingOptions());
      const given = mutated(lines, createRandom(where), changes);
      const found = given.flatMap(
        (line, at) => mapper.feed({ routingKey: undefined, body: Buffer.from(line) }, 1_000 + at).events,
      );
      found.push(...mapper.advance(Infinity));
      assertEvents(found, where);
      assertOrder(found, where);
      mapped += found.length;
      for (const [callId, leg] of byLeg(found)) {
        const names = leg.map((event) => event.name);
        assert.ok(names.lastIndexOf('CHANNEL_CREATE') === names.indexOf('CHANNEL_CREATE'), `${where}: ${callId}`);
        const end = names.indexOf('CHANNEL_DESTROY');
        const later = end < 0 ? [] : names.slice(end + 1).filter((event) => !event.startsWith('PARK_'));
        assert.deepEqual(later, [], `${where}: nothing of ${callId} follows its end`);
      }
    }
  }
  t.diagnostic(`${mapped} events; ${JSON.stringify(changes)}`);
  assert.ok(mapped > 500);
});
