/**
 * Measures what the table of live calls costs Redis, and the duration of a snapshot. Also run by hand:
 *   node gateway/calls/calls.bench.ts --url redis://... --events 20000 --legs 10000
 * Prints one line of JSON. `redisOn` and `redisOff` are microseconds of Redis's CPU for each event, appended in batches
 * of 20, with and without the table. The steps of the table get the entries as a gateway's do, from who has read them. `snapshotMs` is a snapshot of an account of 100 legs as frames, `hvalsMs` the same
 * legs by pipelined HVALS.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openRedisLog, type RedisLog } from '../../event-log/redis-log.ts';
import type { AppendOutcome, NewEvent, StoredEntry } from '../../event-log/event-log.ts';
import { callOf } from '../../protocol/call.ts';
import { encodeMeta } from '../../protocol/entry.ts';
import { callKeys } from '../../protocol/keys.ts';
import { encodeServerFrame } from '../../protocol/server-frame.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { advance, advanceBy } from './advance.ts';
import { createRedisTable } from './redis-table.ts';
import { readSnapshot } from './snapshot.ts';
import { newEventOf, simulatedEvents } from './testing/simulated-calls.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'redis://127.0.0.1:6379' },
    events: { type: 'string', default: '20000' },
    legs: { type: 'string', default: '10000' },
  },
});
const PARTITIONS = 4;
const APPENDED = 20;
const ROUNDS = 300;
/** Events of this duration are written to the table together, as a keeper's steps are spaced. */
const STEP = 200;

interface Place extends AsyncDisposable {
  readonly eventLog: RedisLog;
  readonly keyPrefix: string;
  /** Brings the table to the end of the log; by these entries, if given. */
  keep(fed?: readonly StoredEntry[]): Promise<void>;
  readonly table: ReturnType<typeof createRedisTable>;
}

async function open(): Promise<Place> {
  const keyPrefix = `${randomUUID()}:`;
  const options = { keyPrefix, partitions: PARTITIONS, resource: 'bench/calls', retention: null };
  const eventLog = await openRedisLog({ redis: values.url, ...options, logger: silentLogger });
  const table = createRedisTable({ client: eventLog.client, keyPrefix, partitions: PARTITIONS });
  const ats = Array.from({ length: PARTITIONS }, (): Awaited<ReturnType<typeof table.at>> => null);
  const keepBy = async (partition: number, fed: readonly StoredEntry[]) => {
    const at = ats[partition] ?? null;
    const step = at === null ? null : await advanceBy({ table, eventLog, partition }, { at, state: null }, fed);
    if (step?.kind !== 'advanced') throw new Error('the entries do not follow the table');
    ats[partition] = step.at;
  };
  const keepOne = async (partition: number) => {
    for (;;) {
      const step = await advance({ table, eventLog, partition }, ats[partition] ?? null, null);
      if (step.kind === 'refused') throw new Error('nobody else keeps this table');
      ats[partition] = step.at;
      if (step.kind === 'advanced' && !step.isMore && step.at.phase === 'live') return;
    }
  };
  return {
    eventLog,
    keyPrefix,
    table,
    async keep(fed) {
      if (fed === undefined) await Promise.all(ats.map((_, partition) => keepOne(partition)));
      else {
        const parts = Map.groupBy(fed, ({ partition }) => partition);
        await Promise.all([...parts].map(([partition, entries]) => keepBy(partition, entries)));
      }
    },
    [Symbol.asyncDispose]: () => eventLog[Symbol.asyncDispose](),
  };
}

/** Microseconds of CPU that the server has used. */
async function processorUs({ eventLog }: Place): Promise<number> {
  const info = String(await eventLog.client.call('info', 'cpu'));
  const seconds = ['user', 'sys'].map((kind) => Number(new RegExp(`used_cpu_${kind}:([0-9.]+)`).exec(info)?.[1]));
  return seconds.reduce((sum, one) => sum + one, 0) * 1e6;
}

/** Microseconds of Redis's CPU for each event. */
async function appendAll(place: Place, events: readonly NewEvent[], isKept: boolean): Promise<number> {
  // The first entry of a log follows nothing: this one is read by the table itself.
  if (isKept) await place.eventLog.append([...ringing(PARTITIONS * 10)]);
  if (isKept) await place.keep();
  const before = await processorUs(place);
  let fed: StoredEntry[] = [];
  for (let at = 0; at < events.length; at += APPENDED) {
    const these = events.slice(at, at + APPENDED);
    fed.push(...entriesOf(these, await place.eventLog.append(these)));
    if (!isKept || fed.length < STEP) continue;
    await place.keep(fed);
    fed = [];
  }
  if (isKept) await place.keep(fed);
  return ((await processorUs(place)) - before) / events.length;
}

/** The entries of appended events, as a reader of the log gets them. */
function entriesOf(events: readonly NewEvent[], outcomes: readonly AppendOutcome[]): StoredEntry[] {
  return events.map((event, index) => {
    const outcome = outcomes[index];
    if (outcome?.outcome !== 'accepted') throw new Error('an event was not accepted');
    const { partition, id } = outcome;
    return { partition, id, meta: encodeMeta({ ...event, ingestedAt: '' }), data: event.data };
  });
}

function* ringing(legs: number): Iterable<NewEvent> {
  for (let n = 0; n < legs; n += 1) {
    const account = n < 100 ? 'asked' : `account-${n % 100}`;
    const event = {
      'Event-Name': 'CHANNEL_CREATE',
      'Call-ID': `leg-${n}`,
      From: '1001@example.com',
      To: '1002@example.com',
    };
    const data = Buffer.from(JSON.stringify({ ...event, 'Caller-ID-Number': '1001', 'Call-Direction': 'inbound' }));
    yield { name: 'CHANNEL_CREATE', account, callId: `leg-${n}`, eventId: `begin-${n}`, traceparent: '', data };
  }
}

const median = (figures: readonly number[]) => figures.toSorted((a, b) => a - b)[Math.floor(figures.length / 2)] ?? NaN;

/**
 * Milliseconds of both, measured alternately. Each comes after the same pause, and each is as often the first: a read
 * that follows another at once is faster.
 */
async function snapshots({ eventLog, table, keyPrefix }: Place) {
  const wanted = { accounts: ['asked'], includes: (account: string) => account === 'asked' };
  const snapshot = async () => {
    const { records } = await readSnapshot({ table, eventLog, now: Date.now }, wanted, null);
    return Array.from(records, (record) => encodeServerFrame({ type: 'call', call: callOf(record) }));
  };
  const hvals = async () => {
    const pipeline = eventLog.client.pipeline();
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      pipeline.hvals(callKeys(keyPrefix, partition).legs('asked'));
    return ((await pipeline.exec()) ?? []).flatMap(([, texts]) => texts as string[]);
  };
  const ways = [
    { read: snapshot, taken: [] as number[] },
    { read: hvals, taken: [] as number[] },
  ] as const;
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const { read, taken } of round % 2 === 0 ? ways : ways.toReversed()) {
      await delay(1);
      const from = performance.now();
      const legs = await read();
      taken.push(performance.now() - from);
      if (legs.length !== 100) throw new Error(`${legs.length} legs and not 100`);
    }
  }
  return { snapshotMs: median(ways[0].taken), hvalsMs: median(ways[1].taken) };
}

const calls = simulatedEvents({ seconds: 3_600, callsPerSecond: 1, accounts: ['north', 'south'], seed: 'bench' });
const events = calls.slice(0, Number(values.events)).map(newEventOf);
const off = await open();
const redisOff = await appendAll(off, events, false);
await off[Symbol.asyncDispose]();
const on = await open();
const redisOn = await appendAll(on, events, true);
await on.eventLog.append([...ringing(Number(values.legs))]);
await on.keep();
const taken = await snapshots(on);
await on[Symbol.asyncDispose]();
process.stdout.write(`${JSON.stringify({ redisOn, redisOff, ...taken })}\n`);
