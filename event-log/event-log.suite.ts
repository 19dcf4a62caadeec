import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { decodeMeta } from '../protocol/entry.ts';
import { partitionOf } from '../protocol/partition.ts';
import { BEFORE_EVERYTHING, compareIds, type Position } from '../protocol/position.ts';
import type { EventLog, LogReader, NewEvent, StoredEntry } from './event-log.ts';

let made = 0;

/** An event of `callId`, with an id of its own unless given. */
export function event(callId: string, data = '{"n":1}', eventId = `event-${(made += 1)}`): NewEvent {
  return { name: 'CHANNEL_CREATE', account: 'acme', callId, eventId, traceparent: '', data: Buffer.from(data) };
}

export function accepted(outcomes: Awaited<ReturnType<EventLog['append']>>): string[] {
  return outcomes.map((outcome) => (outcome.outcome === 'failed' ? `failed ${outcome.code}` : outcome.outcome));
}

export async function ends(eventLog: EventLog): Promise<Position> {
  const state = await eventLog.state();
  return { epoch: state.epoch, ids: state.newest };
}

/** The position after these entries. */
export function after(position: Position, entries: readonly StoredEntry[]): Position {
  const ids = [...position.ids];
  for (const entry of entries) ids[entry.partition] = entry.id;
  return { epoch: position.epoch, ids };
}

/** Reads until `count` entries have arrived. */
export async function readAll(reader: LogReader, from: Position, count: number): Promise<StoredEntry[]> {
  const signal = AbortSignal.timeout(20_000);
  const entries: StoredEntry[] = [];
  let position = from;
  while (entries.length < count) {
    const outcome = await reader.read(position, { waitMs: 500, signal });
    assert.equal(outcome.kind, 'entries');
    if (outcome.kind !== 'entries') break;
    entries.push(...outcome.entries);
    position = after(position, outcome.entries);
  }
  return entries;
}

const texts = (entries: readonly StoredEntry[]) => entries.map((entry) => entry.data.toString());

function assertIncreasing(entries: readonly StoredEntry[]): void {
  const last = new Map<number, string>();
  for (const entry of entries) {
    assert.ok(compareIds(last.get(entry.partition) ?? BEFORE_EVERYTHING, entry.id) < 0);
    last.set(entry.partition, entry.id);
  }
}

/** Requirements for every implementation of the log. `open` returns a new, empty log of four partitions. */
export function eventLogSuite(name: string, open: () => Promise<EventLog>): void {
  describe(`${name}: writing`, () => {
    it('keeps the order of a call', async () => {
      await using eventLog = await open();
      const start = await ends(eventLog);
      await using reader = eventLog.reader();
      const sent = Array.from({ length: 250 }, (_, n) => event('call', `{"n":${n}}`));
      assert.ok(accepted(await eventLog.append(sent)).every((outcome) => outcome === 'accepted'));
      const entries = await readAll(reader, start, 250);
      assert.deepEqual(texts(entries), texts(sent.map((one) => ({ ...one, partition: 0, id: '', meta: '' }))));
      assertIncreasing(entries);
    });

    it('returns data byte for byte and the meta of the event', async () => {
      await using eventLog = await open();
      const start = await ends(eventLog);
      await using reader = eventLog.reader();
      const bodies = ['{"a":"ß → 日本 🎧"}', `{"big":"${'x'.repeat(3500)}"}`, '{\r\n "crlf": "\\t\\u0000" \r\n}'];
      await eventLog.append(bodies.map((body) => event('a\tcall\\', body)));
      const entries = await readAll(reader, start, bodies.length);
      assert.deepEqual(texts(entries), bodies);
      const meta = decodeMeta(entries[0]?.meta ?? '');
      assert.equal(meta?.callId, 'a\tcall\\');
      assert.equal(meta?.account, 'acme');
      assert.match(meta?.ingestedAt ?? '', /^\d{16}$/);
    });

    it('knows an event id again, in a later append and in the same one', async () => {
      await using eventLog = await open();
      const [first] = await eventLog.append([event('call', '{}', 'same')]);
      const again = await eventLog.append([
        event('call', '{}', 'same'),
        event('call', '{}', 'x'),
        event('call', '{}', 'x'),
      ]);
      assert.deepEqual(accepted(again), ['duplicate', 'accepted', 'duplicate']);
      assert.deepEqual(again[0], { ...first, outcome: 'duplicate' });
    });

    it('takes an id for that of one account: another account may use it too', async () => {
      await using eventLog = await open();
      const mine = event('call', '{}', 'same-id');
      const outcomes = await eventLog.append([mine, { ...mine, account: 'other' }, { ...mine, account: '' }, mine]);
      assert.deepEqual(accepted(outcomes), ['accepted', 'accepted', 'accepted', 'duplicate']);
    });

    it('does not take events without an id for duplicates of each other', async () => {
      await using eventLog = await open();
      const outcomes = await eventLog.append([event('call', '{}', ''), event('call', '{}', '')]);
      assert.deepEqual(accepted(outcomes), ['accepted', 'accepted']);
    });

    it('loses and doubles nothing under concurrent appends', async () => {
      await using eventLog = await open();
      const start = await ends(eventLog);
      await using reader = eventLog.reader();
      const writers = Array.from({ length: 20 }, (_, writer) =>
        eventLog.append(Array.from({ length: 15 }, (_, n) => event(`call-${writer}`, `{"w":${writer},"n":${n}}`))),
      );
      await Promise.all(writers);
      const entries = await readAll(reader, start, 300);
      assert.equal(new Set(texts(entries)).size, 300);
      assertIncreasing(entries);
      for (let writer = 0; writer < 20; writer += 1) {
        const own = texts(entries).filter((text) => text.startsWith(`{"w":${writer},`));
        assert.deepEqual(
          own,
          Array.from({ length: 15 }, (_, n) => `{"w":${writer},"n":${n}}`),
        );
      }
    });
  });

  describe(`${name}: reading`, () => {
    it('wakes a waiting reader when an event comes', async () => {
      await using eventLog = await open();
      await using reader = eventLog.reader();
      const start = await ends(eventLog);
      const waiting = reader.read(start, { waitMs: 20_000, signal: AbortSignal.timeout(20_000) });
      await eventLog.append([event('call')]);
      const outcome = await waiting;
      assert.equal(outcome.kind === 'entries' && outcome.entries.length, 1);
    });

    it('ends a wait without entries', async () => {
      await using eventLog = await open();
      await using reader = eventLog.reader();
      const outcome = await reader.read(await ends(eventLog), { waitMs: 5, signal: AbortSignal.timeout(20_000) });
      assert.deepEqual(outcome, { kind: 'entries', entries: [] });
    });

    it('rejects with the reason when aborted, before and during the wait', async () => {
      await using eventLog = await open();
      await using reader = eventLog.reader();
      const start = await ends(eventLog);
      const stop = new AbortController();
      const waiting = reader.read(start, { waitMs: 60_000, signal: stop.signal });
      stop.abort(new Error('draining'));
      await assert.rejects(waiting, /draining/);
      await assert.rejects(reader.read(start, { waitMs: 60_000, signal: stop.signal }), /draining/);
    });

    it('lets two readers read the same, each from its own position', async () => {
      await using eventLog = await open();
      await using one = eventLog.reader();
      await using other = eventLog.reader();
      const start = await ends(eventLog);
      await eventLog.append([event('call', '{"n":1}')]);
      const seen = await readAll(one, start, 1);
      await eventLog.append([event('call', '{"n":2}')]);
      assert.deepEqual(texts(await readAll(one, after(start, seen), 1)), ['{"n":2}']);
      assert.deepEqual(texts(await readAll(other, start, 2)), ['{"n":1}', '{"n":2}']);
    });

    it('pages through a partition without overlap', async () => {
      await using eventLog = await open();
      await eventLog.append(Array.from({ length: 25 }, (_, n) => event('call', `{"n":${n}}`)));
      const partition = partitionOf({ callId: 'call', account: '' }, eventLog.partitions);
      const pages: StoredEntry[] = [];
      for (let last = BEFORE_EVERYTHING; ;) {
        const page = await eventLog.range(partition, last, 10);
        if (page.length === 0) break;
        pages.push(...page);
        last = page.at(-1)?.id ?? last;
      }
      assert.deepEqual(
        texts(pages),
        Array.from({ length: 25 }, (_, n) => `{"n":${n}}`),
      );
    });

    it('tells both ends of each partition', async () => {
      await using eventLog = await open();
      const empty = await eventLog.state();
      assert.deepEqual(
        [...empty.oldest, ...empty.newest],
        Array.from({ length: 8 }, () => BEFORE_EVERYTHING),
      );
      const [first, , last] = await eventLog.append([event('call'), event('call'), event('call')]);
      const state = await eventLog.state();
      assert.equal(state.epoch, empty.epoch);
      const partition = partitionOf({ callId: 'call', account: '' }, eventLog.partitions);
      assert.equal(state.oldest[partition], first?.outcome !== 'failed' && first?.id);
      assert.equal(state.newest[partition], last?.outcome !== 'failed' && last?.id);
    });

    it('tells a reader of another epoch that its streams are lost', async () => {
      await using eventLog = await open();
      await using reader = eventLog.reader();
      const start = { ...(await ends(eventLog)), epoch: 'another' };
      const outcome = await reader.read(start, { waitMs: 5, signal: AbortSignal.timeout(20_000) });
      assert.deepEqual(outcome, { kind: 'epoch_lost', state: await eventLog.state() });
    });
  });
}
