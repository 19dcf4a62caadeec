import { setTimeout as delay } from 'node:timers/promises';
import { decodeMeta, type EntryMeta } from '../../protocol/entry.ts';
import { compareIds } from '../../protocol/position.ts';
import { isSourceGap } from '../../protocol/source-gap.ts';
import { LogUnavailable, type EventLog, type StoredEntry } from '../../event-log/event-log.ts';
import { poisonReason } from '../../event-log/poison.ts';
import type { Verdict } from './verdict.ts';

/** An event as a request needs it. */
export interface SentEvent {
  /** Entry id. */
  readonly id: string;
  readonly eventId: string;
  /** Number of this attempt, from 1. */
  readonly attempts: number;
  readonly meta: EntryMeta;
  readonly data: Buffer;
}

/** A part of the log: after these entry ids, one for each partition, up to and including those. */
export interface ReplayRange {
  readonly from: readonly string[];
  readonly until: readonly string[];
  /** Why it begins later than requested; null when it does not. */
  readonly gap: string | null;
}

export interface ReplayParts {
  readonly log: Pick<EventLog, 'range'>;
  /** By the present account tree: whether the group has the event of this meta line. */
  readonly keeps: () => (metaLine: string) => boolean;
  /** Concurrent requests. */
  readonly lanes: number;
  /** Whether a request may begin now, beside those of live events. */
  readonly mayBegin: () => boolean;
  /** Null when the signal cut it off. */
  readonly send: (
    event: SentEvent,
    signal: AbortSignal,
  ) => Promise<{ readonly verdict: Verdict; readonly error: string } | null>;
}

/** A replay as administrators see it; times are RFC 3339. More than eight members: a report. */
export interface ReplayReport {
  readonly state: 'running' | 'done' | 'stopped';
  readonly begun_at: string;
  readonly ended_at: string | null;
  readonly gap: string | null;
  readonly sent: number;
  /** Events that the receiver refused at each of three attempts, or asked never to get. */
  readonly refused: number;
  readonly last_error: string | null;
}

const PAGE = 100;
const TRIES = 3;
const LOOK_AGAIN_MS = 100;
const LOG_AGAIN_MS = 1_000;

/**
 * The replay of one sender on this replica: sends events of a range again, with their ids, the events of a call in
 * order. It uses a quarter of the concurrent requests, and waits whenever live events need the room. It ends with its
 * replica: none of its state is stored.
 */
export class Replays {
  readonly #parts: ReplayParts;
  #now: { report: ReplayReport; readonly stop: AbortController; readonly ended: Promise<void> } | null = null;

  constructor(parts: ReplayParts) {
    this.#parts = parts;
  }

  /** The running one, else the last one; null before the first. */
  get report(): ReplayReport | null {
    return this.#now?.report ?? null;
  }

  /** False while one is running. */
  begin(range: ReplayRange): boolean {
    if (this.#now?.report.state === 'running') return false;
    const stop = new AbortController();
    const report: ReplayReport = {
      state: 'running',
      begun_at: new Date().toISOString(),
      ended_at: null,
      gap: range.gap,
      sent: 0,
      refused: 0,
      last_error: null,
    };
    const note = (change: Partial<ReplayReport>) => {
      if (this.#now?.stop === stop) this.#now.report = { ...this.#now.report, ...change };
    };
    const ended = Promise.resolve()
      .then(() => new Replay(this.#parts, range, note, stop.signal).run())
      .finally(() => note({ state: stop.signal.aborted ? 'stopped' : 'done', ended_at: new Date().toISOString() }));
    this.#now = { report, stop, ended };
    return true;
  }

  /** Settles once the replay has ended. Does nothing when there is none. */
  async stop(): Promise<void> {
    if (this.#now?.report.state !== 'running') return;
    this.#now.stop.abort();
    await this.#now.ended;
  }
}

class Replay {
  readonly #parts: ReplayParts;
  readonly #range: ReplayRange;
  readonly #note: (change: Partial<ReplayReport>) => void;
  readonly #signal: AbortSignal;
  readonly #waiting: (() => void)[] = [];
  #free: number;
  #sent = 0;
  #refused = 0;

  constructor(
    parts: ReplayParts,
    range: ReplayRange,
    note: (change: Partial<ReplayReport>) => void,
    signal: AbortSignal,
  ) {
    this.#parts = parts;
    this.#range = range;
    this.#note = note;
    this.#signal = signal;
    this.#free = parts.lanes;
  }

  async run(): Promise<void> {
    await Promise.all(this.#range.from.map((from, partition) => this.#partition(partition, from)));
  }

  async #partition(partition: number, from: string): Promise<void> {
    const until = this.#range.until[partition] ?? '0-0';
    let after = from;
    while (compareIds(after, until) < 0 && !this.#signal.aborted) {
      const entries = await this.#read(partition, after);
      if (entries.length === 0) return;
      after = entries.at(-1)?.id ?? until;
      const calls = this.#callsOf(entries.filter(({ id }) => compareIds(id, until) <= 0));
      await Promise.all(calls.map((call) => this.#inOrder(call)));
    }
  }

  /** Retries until the log answers. */
  async #read(partition: number, after: string): Promise<readonly StoredEntry[]> {
    while (!this.#signal.aborted) {
      try {
        return await this.#parts.log.range(partition, after, PAGE);
      } catch (error) {
        if (!(error instanceof LogUnavailable)) throw error;
        this.#note({ last_error: error.code });
        await this.#wait(LOG_AGAIN_MS);
      }
    }
    return [];
  }

  /** The group's events in a page, by calls. */
  #callsOf(entries: readonly StoredEntry[]): readonly (readonly SentEvent[])[] {
    const keeps = this.#parts.keeps();
    const calls = new Map<string, SentEvent[]>();
    for (const entry of entries) {
      const meta = isSourceGap(entry.meta) || poisonReason(entry) !== null ? null : decodeMeta(entry.meta);
      if (meta === null || !keeps(entry.meta)) continue;
      const eventId = meta.eventId || `${entry.partition}:${entry.id}`;
      const call = calls.get(meta.callId) ?? [];
      calls.set(meta.callId, call);
      call.push({ id: entry.id, eventId, attempts: 1, meta, data: entry.data });
    }
    return [...calls.values()];
  }

  async #inOrder(call: readonly SentEvent[]): Promise<void> {
    for (const event of call) await this.#settle(event);
  }

  /**
   * Until the receiver has it, never wants it, or has refused it often enough. It waits through an outage of the
   * receiver.
   */
  async #settle(event: SentEvent): Promise<void> {
    for (let attempts = 1; !this.#signal.aborted;) {
      const ended = await this.#inLane(() => this.#parts.send({ ...event, attempts }, this.#signal));
      if (ended === null) return;
      const { verdict, error } = ended;
      if (verdict.kind === 'acknowledged' || (verdict.kind === 'disable' && verdict.isTaken)) {
        this.#note({ sent: (this.#sent += 1) });
        return;
      }
      this.#note({ last_error: error });
      if (verdict.kind === 'event') attempts += 1;
      if (verdict.kind === 'dead_letter' || attempts > TRIES) {
        this.#note({ refused: (this.#refused += 1) });
        return;
      }
      await this.#wait(verdict.kind === 'event' ? (attempts - 1) * 1_000 : LOOK_AGAIN_MS);
    }
  }

  async #inLane<T>(run: () => Promise<T>): Promise<T | null> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      while (!this.#signal.aborted && !this.#parts.mayBegin()) await this.#wait(LOOK_AGAIN_MS);
      return this.#signal.aborted ? null : await run();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  /** Settles early when it is stopped. */
  async #wait(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#signal, ref: false }).catch(() => undefined);
  }
}
