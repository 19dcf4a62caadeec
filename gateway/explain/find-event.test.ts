import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import type { EventLog, NewEvent } from '../../event-log/event-log.ts';
import { findEvent, type Sought } from './find-event.ts';
import type { FoundEvent } from './look.ts';

const BUDGET = { entries: 10_000, ms: 60_000 };
const LIMITS = { partitions: 4, maxBytes: 64 * 1024 * 1024 };
const event = (id: string, account: string): NewEvent => ({
  name: 'DTMF',
  account,
  callId: `call-${id}`,
  eventId: id,
  traceparent: '',
  data: Buffer.from('{"a":1}'),
});

/** A log, and how often it was read. */
function counted(log: EventLog): { readonly log: EventLog; readonly reads: () => number } {
  let reads = 0;
  const range: EventLog['range'] = (...given) => {
    reads += 1;
    return log.range(...given);
  };
  const handler: ProxyHandler<EventLog> = {
    get: (target, name) => {
      if (name === 'range') return range;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  };
  return { log: new Proxy(log, handler), reads: () => reads };
}

const sought = (id: string, more: Partial<Sought> = {}): Sought => ({
  event: id,
  callId: null,
  position: null,
  at: null,
  isMeant: () => true,
  ...more,
});

test('an event is found by id, by call, by place and by the cursor that came with it', async () => {
  await using log = createEmbeddedLog({ ...LIMITS, now: Date.now });
  const [outcome] = await log.append([event('one', 'a'), event('two', 'b'), event('three', 'a')]);
  assert.ok(outcome !== undefined && outcome.outcome === 'accepted');
  const { epoch, newest } = await log.state();
  const place = `${outcome.partition}:${outcome.id}`;
  for (const asked of [
    sought('one'),
    sought('one', { callId: 'call-one' }),
    sought('one', { position: { epoch, ids: newest.map((id, at) => (at === outcome.partition ? outcome.id : id)) } }),
    sought(place),
  ]) {
    const found = await findEvent(log, asked, BUDGET);
    assert.ok(found.kind === 'found', JSON.stringify(asked));
    assert.deepEqual([found.event.id, found.event.place.id], ['one', outcome.id]);
  }
  assert.equal((await findEvent(log, sought('one', { callId: 'call-two' }), BUDGET)).kind, 'absent');
});

test('a search ends with its budget, and says how far it came', async () => {
  let clock = 1_000_000;
  await using log = createEmbeddedLog({ ...LIMITS, now: () => (clock += 60_000) });
  for (let at = 0; at < 40; at += 1) await log.append([event(`e${at}`, 'a')]);
  assert.equal((await findEvent(log, sought('e0'), BUDGET)).kind, 'found');
  const gaveUp = await findEvent(log, sought('e0'), { entries: 10, ms: 60_000 });
  assert.ok(gaveUp.kind === 'gave_up' && gaveUp.at > 1_000_000);
});

test('a search begins about the named time, goes back from there, and looks at what is newer at last', async () => {
  let clock = 1_000_000;
  await using log = createEmbeddedLog({ ...LIMITS, now: () => (clock += 60_000) });
  const times = new Map<string, number>();
  for (let at = 0; at < 400; at += 1) {
    await log.append([event(`e${at}`, 'a')]);
    times.set(`e${at}`, clock);
  }
  const few = { entries: 30, ms: 60_000 };
  assert.equal((await findEvent(log, sought('e100'), few)).kind, 'gave_up');
  assert.equal((await findEvent(log, sought('e100', { at: times.get('e100') ?? 0 }), few)).kind, 'found');
  assert.equal((await findEvent(log, sought('e100', { at: times.get('e110') ?? 0 }), few)).kind, 'found');
  assert.equal((await findEvent(log, sought('e399', { at: times.get('e100') ?? 0 }), BUDGET)).kind, 'found');
  assert.equal((await findEvent(log, sought('never', { at: times.get('e100') ?? 0 }), BUDGET)).kind, 'absent');
});

test('X3: an event that is not meant costs the reads of one that never was', async () => {
  const worlds = await Promise.all(
    ['foreign', 'other'].map(async (id) => {
      const log = createEmbeddedLog({ ...LIMITS, now: Date.now });
      for (let at = 0; at < 300; at += 1) await log.append([event(`e${at}`, 'mine')]);
      await log.append([event(id, 'theirs')]);
      for (let at = 300; at < 400; at += 1) await log.append([event(`e${at}`, 'mine')]);
      return counted(log);
    }),
  );
  const isMeant = ({ account }: FoundEvent) => account === 'mine';
  const answers = await Promise.all(worlds.map(({ log }) => findEvent(log, sought('foreign', { isMeant }), BUDGET)));
  assert.deepEqual(
    answers.map(({ kind }) => kind),
    ['absent', 'absent'],
  );
  const [one, other] = worlds.map(({ reads }) => reads());
  assert.ok(one !== undefined && one > 0);
  assert.equal(one, other);
  for (const { log } of worlds) await log[Symbol.asyncDispose]();
});
