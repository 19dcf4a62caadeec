import type { LegName } from '../protocol/call.ts';
import { encodeMeta } from '../protocol/entry.ts';
import { partitionOf } from '../protocol/partition.ts';
import { compareIds, previousId, splitId, type Position } from '../protocol/position.ts';
import { CursorSeal } from './cursor-seal.ts';
import { EmbeddedPartition } from './embedded-partition.ts';
import { EmbeddedEnds } from './embedded-ends.ts';
import type { AppendOutcome, EventLog, LogReader, LogState, NewEvent, ReadOutcome } from './event-log.ts';
import { correctionOf, lateOutcome, type EndingLog } from './late-end.ts';
import { microsecondsNow } from './ingest-time.ts';
import { newEpoch } from './partition-state.ts';

const COUNT = 128;

export interface EmbeddedLogOptions {
  readonly partitions: number;
  /** Limit of everything in memory: events, meta lines and the overhead of entries. */
  readonly maxBytes: number;
  /** Milliseconds of Unix time. */
  readonly now: () => number;
}

/**
 * A log in the memory of one process: for one replica, a laptop, a test. The log and its epoch end with the process.
 */
export function createEmbeddedLog(options: EmbeddedLogOptions): EventLog & EndingLog {
  return new EmbeddedLog(options);
}

class EmbeddedLog implements EventLog, EndingLog {
  readonly place = { event_log: 'embedded, in memory' };
  readonly partitions: number;
  readonly cursors = new CursorSeal();
  readonly isShared = false;
  readonly #parts: readonly EmbeddedPartition[];
  readonly #options: EmbeddedLogOptions;
  readonly #ends = new EmbeddedEnds();
  readonly #wakers = new Set<() => void>();
  #epoch = newEpoch();

  constructor(options: EmbeddedLogOptions) {
    this.partitions = options.partitions;
    this.#options = options;
    this.#parts = Array.from({ length: options.partitions }, (_, partition) => new EmbeddedPartition(partition));
  }

  get newest(): readonly string[] {
    return this.#parts.map((part) => part.newest);
  }

  state(): Promise<LogState> {
    return Promise.resolve(this.#state());
  }

  epoch(): Promise<string> {
    return Promise.resolve(this.#epoch);
  }

  #state(): LogState {
    return {
      epoch: this.#epoch,
      oldest: this.#parts.map((part) => part.oldest),
      newest: this.#parts.map((part) => part.newest),
      trimmed: this.#parts.map((part) => part.trimmed),
    };
  }

  append(events: readonly NewEvent[]): Promise<AppendOutcome[]> {
    const outcomes = events.map((event) => this.#judgeOne(event));
    this.#appended();
    return Promise.resolve(outcomes);
  }

  #appended(): void {
    this.#makeRoom();
    for (const wake of this.#wakers) wake();
  }

  #judgeOne(event: NewEvent): AppendOutcome {
    const end = this.#ends.of(event, this.#options.now());
    const partition = partitionOf(event, this.partitions);
    if (end === null || this.#parts[partition]?.has(event) === true) return this.#appendOne(event);
    const correction = correctionOf(event, end);
    const done: AppendOutcome = { outcome: 'duplicate', partition, id: end.id };
    return lateOutcome(correction === null ? done : this.#appendOne(correction), end);
  }

  end(event: NewEvent, { afterId, lateEnd }: Parameters<EndingLog['end']>[1]): string | null {
    const part = this.#parts[partitionOf(event, this.partitions)];
    if (part === undefined || part.has(event) || part.speaksAfter(event, afterId)) return null;
    const now = this.#options.now();
    if (this.#ends.of(event, now) !== null) return null;
    const outcome = this.#appendOne(event);
    if (outcome.outcome !== 'accepted') return null;
    this.#ends.give(event, { id: outcome.id, lateEnd }, now);
    this.#appended();
    return outcome.id;
  }

  givenEnd(leg: LegName) {
    return this.#ends.given(leg, this.#options.now());
  }

  holds(partition: number, id: string): boolean {
    return this.#parts[partition]?.after(previousId(id), 1)[0]?.id === id;
  }

  #appendOne(event: NewEvent): AppendOutcome {
    const partition = partitionOf(event, this.partitions);
    const part = this.#parts[partition];
    if (!part) return { outcome: 'failed', code: 'NO_PARTITION' };
    const meta = encodeMeta({ ...event, ingestedAt: microsecondsNow() });
    const { duplicate, id } = part.append({ ...event, meta }, this.#options.now());
    return { outcome: duplicate ? 'duplicate' : 'accepted', partition, id };
  }

  /** Drops the oldest entries of all partitions until the size is within the limit. */
  #makeRoom(): void {
    let held = this.#parts.reduce((sum, part) => sum + part.bytes, 0);
    while (held > this.#options.maxBytes) {
      const filled = this.#parts.filter((part) => part.length > 0);
      if (filled.length === 0) return;
      const oldest = filled.reduce((a, b) => (splitId(b.oldest)[0] < splitId(a.oldest)[0] ? b : a));
      held -= oldest.dropOldest();
    }
  }

  range(partition: number, afterId: string, count: number) {
    return Promise.resolve(this.#parts[partition]?.after(afterId, count) ?? []);
  }

  reader(): LogReader {
    return {
      read: (position, options) => this.#read(position, options),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }

  async #read(position: Position, options: { waitMs: number; signal: AbortSignal }): Promise<ReadOutcome> {
    options.signal.throwIfAborted();
    const first = this.#look(position);
    if (first !== null) return first;
    await this.#nextAppend(options.waitMs, options.signal);
    options.signal.throwIfAborted();
    return this.#look(position) ?? { kind: 'entries', entries: [] };
  }

  /** Null when there is nothing after the position. */
  #look(position: Position): ReadOutcome | null {
    const id = (partition: number) => position.ids[partition] ?? '0-0';
    if (position.epoch === this.#epoch && this.#parts.some((part, index) => part.lostAfter(id(index)))) {
      // A reader that was overtaken gets a new epoch, as with Redis: `epoch_lost` never contains the position's own
      // epoch.
      this.#epoch = newEpoch();
    }
    const ahead = this.#parts.some((part, index) => compareIds(id(index), part.newest) > 0);
    if (ahead || position.epoch !== this.#epoch) return { kind: 'epoch_lost', state: this.#state() };
    const entries = this.#parts.flatMap((part, index) => part.after(id(index), COUNT));
    return entries.length === 0 ? null : { kind: 'entries', entries };
  }

  /** Waits until an append, the end of `ms`, or the signal. */
  #nextAppend(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        this.#wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wakers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const wake of this.#wakers) wake();
    return Promise.resolve();
  }
}
