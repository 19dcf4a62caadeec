import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeMeta } from '../../protocol/entry.ts';
import { createSimulator } from '../../protocol/simulator/simulator.ts';
import { createEmbeddedLog } from '../../event-log/embedded-log.ts';
import type { EventLog, NewEvent } from '../../event-log/event-log.ts';
import { runSimulator, type SimulatorOutcome } from './simulator-source.ts';

const START = 1_763_979_370_000;
const ACCOUNTS = [{ id: '91eb05e5c68d7ca05e7618b6821d2d16', name: 'Acme', realm: 'acme.sip.example.com' }];

function embeddedLog() {
  return createEmbeddedLog({ partitions: 4, maxBytes: 64_000_000, now: () => START });
}

const simulated =
  (callsPerSecond = 5) =>
  (startAt: number) =>
    createSimulator({ seed: 7, accounts: ACCOUNTS, callsPerSecond, startAt });

/** A log with a different `append`. */
function withAppend(eventLog: EventLog, append: EventLog['append']): EventLog {
  return {
    place: eventLog.place,
    partitions: eventLog.partitions,
    cursors: eventLog.cursors,
    newest: eventLog.newest,
    isShared: false,
    state: () => eventLog.state(),
    epoch: () => eventLog.epoch(),
    range: (partition, afterId, count) => eventLog.range(partition, afterId, count),
    reader: () => eventLog.reader(),
    [Symbol.asyncDispose]: () => eventLog[Symbol.asyncDispose](),
    append,
  };
}

interface Run {
  readonly eventLog: EventLog;
  readonly seconds: number;
  readonly callsPerSecond?: number;
  /** Ends the run. */
  readonly isEnough: (totals: Readonly<Record<SimulatorOutcome, number>>) => boolean;
}

/** Runs until the condition holds. The clock stands at START, then at `seconds` later, and stays there. */
async function run({ eventLog, seconds, callsPerSecond = 5, isEnough }: Run) {
  const totals = { accepted: 0, duplicate: 0, failed: 0, dropped: 0 };
  const abort = new AbortController();
  let looks = 0;
  await runSimulator({
    eventLog,
    open: simulated(callsPerSecond),
    now: () => (looks++ === 0 ? START : START + seconds * 1_000),
    signal: abort.signal,
    onOutcome(outcome, events) {
      totals[outcome] += events;
      if (isEnough(totals)) abort.abort();
    },
  });
  return totals;
}

const due = (seconds: number) => simulated()(START).next(START + seconds * 1_000);

async function stored(eventLog: EventLog) {
  const partitions = await Promise.all(
    Array.from({ length: eventLog.partitions }, (_, partition) => eventLog.range(partition, '0-0', 100_000)),
  );
  return partitions.flat().map(({ meta, data }) => ({ ...decodeMeta(meta), json: data.toString() }));
}

/** Event ids for each call, in the order of the log. */
function byCall(events: readonly { callId?: string; eventId?: string }[]): Record<string, string[]> {
  const calls: Record<string, string[]> = {};
  for (const { callId = '', eventId = '' } of events) (calls[callId] ??= []).push(eventId);
  return calls;
}

test('everything due is in the log, byte for byte, each call in order', async () => {
  await using eventLog = embeddedLog();
  const expected = due(60);
  await run({ eventLog, seconds: 60, isEnough: ({ accepted }) => accepted >= expected.length });
  const entries = await stored(eventLog);
  assert.deepEqual(byCall(entries), byCall(expected));
  const bodies = new Map(expected.map(({ eventId, json }) => [eventId, json]));
  for (const { eventId = '', account, json } of entries) {
    assert.equal(json, bodies.get(eventId));
    assert.equal(account, ACCOUNTS[0]?.id);
  }
});

test('events that the log refused come again, before later ones, and once', async () => {
  await using inner = embeddedLog();
  const expected = due(60);
  let appends = 0;
  // As in the Redis log, a failed event makes all later ones of its partition fail.
  const eventLog = withAppend(inner, async (events) => {
    appends += 1;
    const taken = appends === 1 ? 0 : appends === 2 ? 123 : events.length;
    const outcomes = await inner.append(events.slice(0, taken));
    return [...outcomes, ...events.slice(taken).map(() => ({ outcome: 'failed', code: 'OOM' }) as const)];
  });
  const totals = await run({ eventLog, seconds: 60, isEnough: ({ accepted }) => accepted >= expected.length });
  assert.deepEqual(byCall(await stored(inner)), byCall(expected));
  assert.equal(totals.failed, 500 + (500 - 123));
  assert.deepEqual([totals.duplicate, totals.dropped], [0, 0]);
});

test('an event that had arrived after all is counted as a duplicate and not stored twice', async () => {
  await using inner = embeddedLog();
  const expected = due(10);
  assert.ok(expected.length <= 500, 'one append holds them all');
  let isReplyLost = true;
  const eventLog = withAppend(inner, async (events) => {
    const outcomes = await inner.append(events);
    if (!isReplyLost) return outcomes;
    isReplyLost = false;
    return events.map(() => ({ outcome: 'failed', code: 'UNREACHABLE' }) as const);
  });
  await run({ eventLog, seconds: 10, isEnough: ({ duplicate }) => duplicate >= expected.length });
  assert.equal((await stored(inner)).length, expected.length);
});

test('while the log is away the newest 10,000 events are kept, and the others are counted', async () => {
  await using inner = embeddedLog();
  const expected = due(600);
  const overdue = expected.length - 10_000;
  assert.ok(overdue > 0);
  const attempts: (readonly NewEvent[])[] = [];
  const eventLog = withAppend(inner, (events) => {
    attempts.push(events);
    return Promise.resolve(events.map(() => ({ outcome: 'failed', code: 'UNREACHABLE' }) as const));
  });
  const totals = await run({ eventLog, seconds: 600, isEnough: ({ failed }) => failed > 0 });
  assert.equal(totals.dropped, overdue);
  assert.equal(attempts[0]?.[0]?.eventId, expected[overdue]?.eventId);
});

test('an abort ends the run at once, even while an append hangs', async () => {
  await using inner = embeddedLog();
  const abort = new AbortController();
  const eventLog = withAppend(inner, () => {
    queueMicrotask(() => abort.abort());
    return new Promise(() => {});
  });
  let time = START;
  await runSimulator({
    eventLog,
    open: simulated(),
    now: () => (time += 30_000),
    signal: abort.signal,
    onOutcome: () => assert.fail('nothing is known of an append under way'),
  });
});

test('a run that was aborted before it began appends nothing', async () => {
  await using eventLog = embeddedLog();
  const options = { eventLog, open: simulated(), now: () => START };
  await runSimulator({ ...options, signal: AbortSignal.abort(), onOutcome: () => assert.fail('appended') });
  assert.deepEqual(await stored(eventLog), []);
});
