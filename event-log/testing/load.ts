import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import type { EventLog, LogReader, StoredEntry } from '../event-log.ts';
import { LogUnavailable } from '../event-log.ts';
import { Oracle } from '../../loadtest/oracle/oracle.ts';
import { BEFORE_EVERYTHING, type Position } from '../../protocol/position.ts';

export interface Load extends AsyncDisposable {
  /** Acknowledged events, as `<call> <number>`. */
  readonly acknowledged: ReadonlySet<string>;
  /** Codes of failures, and their number. */
  readonly failures: ReadonlyMap<string, number>;
  /** The longest time between two acknowledged events of one call. */
  longestGapMs(): number;
  /** Ends the producers; their remaining events are tried until they are acknowledged. */
  finish(): Promise<void>;
}

/** One producer for each call; it sends an event again, with its id, until the log has it. */
export function produce(eventLog: EventLog, calls: number): Load {
  const acknowledged = new Set<string>();
  const failures = new Map<string, number>();
  const over = new AbortController();
  let longestGap = 0;
  const producer = async (call: number) => {
    let last = performance.now();
    for (let n = 0; !over.signal.aborted; n += 1) {
      const text = `${call} ${n}`;
      const event = {
        name: 'CHANNEL_CREATE',
        account: 'acme',
        callId: `call-${call}`,
        eventId: `event-${text}`,
        traceparent: '',
        data: Buffer.from(JSON.stringify({ text })),
      };
      for (;;) {
        const [outcome] = await eventLog.append([event]);
        if (outcome?.outcome !== 'failed') break;
        failures.set(outcome.code, (failures.get(outcome.code) ?? 0) + 1);
        await pause(50);
      }
      acknowledged.add(text);
      longestGap = Math.max(longestGap, performance.now() - last);
      last = performance.now();
      await pause(2);
    }
  };
  const producers = Array.from({ length: calls }, (_, call) => producer(call));
  const finish = async () => {
    over.abort();
    await Promise.all(producers);
  };
  return { acknowledged, failures, longestGapMs: () => longestGap, finish, [Symbol.asyncDispose]: finish };
}

// A producer that is never ended must not keep a failed test's process alive.
const pause = (ms: number) => delay(ms, undefined, { ref: false });

export interface Followed {
  /** Every event in the order of reading, as `<call> <number>`. */
  readonly read: readonly string[];
  readonly epochsLost: number;
}

/** The whole content of the log, each partition in order. */
export async function contentOf(eventLog: EventLog): Promise<string[]> {
  const texts: string[] = [];
  for (let partition = 0; partition < eventLog.partitions; partition += 1) {
    let last = BEFORE_EVERYTHING;
    for (;;) {
      const page = await pageOf(eventLog, partition, last);
      if (page.length === 0) break;
      texts.push(...page.map(textOf));
      last = page.at(-1)?.id ?? last;
    }
  }
  return texts;
}

/** Retries while the log is unavailable: a failover may not be over yet. The test's own limit bounds it. */
async function pageOf(eventLog: EventLog, partition: number, last: string): Promise<readonly StoredEntry[]> {
  for (;;) {
    try {
      return await eventLog.range(partition, last, 500);
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      await delay(100);
    }
  }
}

/** Reads until all of `wanted` was seen, through every outage. */
export async function followUntil(
  reader: LogReader,
  from: Position,
  isEnough: (read: readonly string[], epochsLost: number) => boolean,
): Promise<Followed> {
  const signal = AbortSignal.timeout(90_000);
  const read: string[] = [];
  let [position, epochsLost] = [from, 0];
  while (!isEnough(read, epochsLost)) {
    try {
      const outcome = await reader.read(position, { waitMs: 200, signal });
      if (outcome.kind === 'epoch_lost') {
        epochsLost += 1;
        position = { epoch: outcome.state.epoch, ids: outcome.state.newest };
        continue;
      }
      read.push(...outcome.entries.map(textOf));
      const ids = [...position.ids];
      for (const entry of outcome.entries) ids[entry.partition] = entry.id;
      position = { epoch: position.epoch, ids };
    } catch (error) {
      if (signal.aborted) {
        throw new Error(`read ${read.length} events and lost ${epochsLost} epochs: not enough`, { cause: error });
      }
      if (!(error instanceof LogUnavailable)) throw error;
      await pause(100);
    }
  }
  return { read, epochsLost };
}

function textOf(entry: StoredEntry): string {
  return (JSON.parse(entry.data.toString()) as { text: string }).text;
}

/** I1, I2, I3: nothing acknowledged is missing, nothing occurs twice, and each call is in order. */
export function assertComplete(read: readonly string[], acknowledged: ReadonlySet<string>): void {
  const seen = new Set(read);
  assert.deepEqual(
    [...acknowledged].filter((text) => !seen.has(text)),
    [],
    'acknowledged and lost',
  );
  const oracle = new Oracle<string>({ owes: () => true });
  for (const text of read) {
    const [call = '', n = ''] = text.split(' ');
    // The load counts from 0.
    oracle.take(call, Number(n) + 1);
  }
  assert.deepEqual(oracle.faults([]), { lost: 0, doubled: 0, inverted: 0, foreign: 0 });
}
