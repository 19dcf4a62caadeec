import { setTimeout as delay } from 'node:timers/promises';
import { splitId } from '../../protocol/position.ts';
import { LogUnavailable, type LogState, type StoredEntry } from '../../event-log/event-log.ts';
import type { LogWindow } from '../../event-log/log-window.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { remedyFor } from '../../runtime/redis/remedy.ts';
import { Waiting } from '../group/waiting.ts';
import { advance, advanceBy, ENTRIES, NOTHING, type Advanced, type AdvancePlace } from './advance.ts';
import type { CallTable, TableAt } from './call-table.ts';
import type { CallCounters } from './counters.ts';
import type { EndRules } from './due.ts';
import { Feed, type LogPoint } from './feed.ts';
import type { Turn } from './pace.ts';
import { sweep } from './sweep.ts';

/** More than eight members: it uses the table, the log and the replicas, and counts. */
export interface KeeperOptions {
  readonly table: CallTable;
  readonly eventLog: AdvancePlace['eventLog'];
  readonly window: Pick<LogWindow, 'state'>;
  readonly counters: CallCounters;
  readonly rules: EndRules;
  /** Bytes of events that the fan-out has read and the table lacks, in memory. */
  readonly feedBytes: number;
  /** Whether this replica keeps the partition now. */
  readonly owns: (partition: number) => boolean;
  /** In each turn of the event loop, one of all keepers of a replica continues. */
  readonly turn: Turn;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** Between two steps with few entries: entries of this time are written together. */
const SPACING_MS = 50;
/** The same where many entries arrive, since each step has a cost of its own. */
const BUSY_SPACING_MS = 250;
/** Many: entries of one step. */
const MANY = 10;
/** Without a notice of new entries, the log is polled at this interval. */
const IDLE_MS = 1_000;
/** How far a fan-out may be behind the log that the keeper waits for. */
const FAR_BEHIND_MS = 5_000;
/** The state of the log is compared at this interval even without a sign of a fault. */
const CHECK_MS = 5_000;
/** After a refused write another keeper is active: this one waits, so that one of them continues. */
const REFUSED_MS = 500;
const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;

/** Keeps the table of one partition at the end of the log while this replica owns it. */
export class Keeper {
  readonly #options: KeeperOptions;
  readonly #partition: number;
  readonly #waiting = new Waiting();
  readonly #feed: Feed;
  #isKeeping = false;
  #at: TableAt | null = null;
  #checkedAt = Number.NEGATIVE_INFINITY;
  /** When the log itself was last read: the fan-out may be late. */
  #readAt = Number.NEGATIVE_INFINITY;
  #offeredAt = Number.NEGATIVE_INFINITY;
  #failures = 0;
  /** Since the first of these failures: when the oldest entry was appended that the table lacks. Null: it lacks none. */
  #lacksSince: number | null = null;
  /** When legs of the table may be due, Unix milliseconds. */
  #sweepAt = 0;

  constructor(options: KeeperOptions, partition: number) {
    this.#options = options;
    this.#partition = partition;
    this.#feed = new Feed(options.feedBytes);
  }

  /** The fan-out has read these entries, which directly follow `before`. */
  offer(entries: readonly StoredEntry[], before: LogPoint): void {
    if (!this.#isKeeping) return;
    this.#offeredAt = performance.now();
    this.#feed.offer(entries, before);
    this.wake();
  }

  /** This replica may own the partition now. */
  wake(): void {
    this.#waiting.kick();
  }

  /** Settles after an abort. Rejects only with an unexpected error. */
  async run(signal: AbortSignal): Promise<void> {
    const wake = () => this.wake();
    signal.addEventListener('abort', wake);
    while (!signal.aborted) {
      this.#isKeeping = this.#options.owns(this.#partition);
      const restMs = this.#isKeeping ? await this.#step() : this.#rest();
      if (restMs > 0) await this.#wait(restMs, signal);
    }
    signal.removeEventListener('abort', wake);
  }

  /** Another replica keeps the table. */
  #rest(): number {
    this.#at = null;
    this.#feed.clear();
    this.#sweepAt = 0;
    this.#failures = 0;
    this.#lacksSince = null;
    this.#options.counters.behindMs[this.#partition] = 0;
    return IDLE_MS;
  }

  /** Milliseconds to wait before the next step. */
  async #step(): Promise<number> {
    const { table, window } = this.#options;
    const steady = performance.now();
    const isDue = steady - this.#checkedAt >= CHECK_MS;
    try {
      const state = isDue ? await window.state(CHECK_MS / 2) : null;
      const outcome = await this.#advance(state);
      if (isDue) {
        this.#checkedAt = steady;
        await table.touch(this.#partition);
      }
      this.#failures = 0;
      this.#lacksSince = null;
      const restMs = this.#took(outcome);
      return restMs > 0 && this.#at?.phase === 'live' ? await this.#sweep(restMs) : restMs;
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      return this.#failed(error.code);
    }
  }

  /** By the entries that the fan-out has read, where they follow the table; else by those in the log. */
  async #advance(state: LogState | null): Promise<Advanced> {
    const place = { ...this.#options, partition: this.#partition };
    const at = this.#at;
    if (at?.phase === 'live') {
      const fed = this.#feed.after(at, ENTRIES);
      const outcome = fed === null ? null : await advanceBy(place, { at, state }, fed);
      if (outcome !== null) return outcome;
      if (fed === null && state === null && this.#isFed(at)) return { kind: 'advanced', at, ...NOTHING };
    }
    this.#readAt = performance.now();
    return advance(place, at, state);
  }

  /**
   * Whether the feed brings what follows the table. A busy fan-out is behind the log: a keeper that read ahead of it would
   * read every entry a second time, for as long as it is busy. A fan-out that stands still, or is far behind, counts for
   * nothing.
   */
  #isFed(at: TableAt): boolean {
    if (!this.#feed.leadsTo(at)) return false;
    const steady = performance.now();
    if (steady - this.#readAt < IDLE_MS) return true;
    const lagMs = this.#options.now() - splitId(this.#feed.last)[0];
    return steady - this.#offeredAt < IDLE_MS && lagMs < FAR_BEHIND_MS;
  }

  /**
   * Ends the legs that are due, when the table is at the end of the log. Returns the milliseconds to wait before the
   * next step.
   */
  async #sweep(restMs: number): Promise<number> {
    const { table, rules, counters, now } = this.#options;
    const at = now();
    if (at < this.#sweepAt) return Math.min(restMs, Math.max(SPACING_MS, this.#sweepAt - at));
    this.#sweepAt = await sweep({ table, partition: this.#partition, rules, counters }, at);
    return SPACING_MS;
  }

  #took(outcome: Advanced): number {
    const { counters, logger, now } = this.#options;
    const partition = this.#partition;
    if (outcome.kind === 'refused') {
      counters.refusedWrites += 1;
      this.#at = null;
      return REFUSED_MS * (0.5 + Math.random());
    }
    this.#at = outcome.at;
    if (outcome.kind === 'begun') {
      counters.rebuilds += 1;
      logger.info({ partition }, 'the table of live calls is rebuilt from the oldest retained event');
    }
    if (outcome.kind !== 'advanced') return 0;
    counters.reduced += outcome.entries;
    counters.refusedLegs += outcome.refusedLegs;
    if (outcome.isUncertain) this.#sweepAt = Math.min(this.#sweepAt, now() + this.#options.rules.graceMs);
    counters.behindMs[partition] = outcome.isMore ? Math.max(0, now() - splitId(outcome.at.id)[0]) : 0;
    if (outcome.isMore) return 0;
    if (outcome.entries === 0) return IDLE_MS;
    return outcome.entries < MANY ? SPACING_MS : BUSY_SPACING_MS;
  }

  /** Logs one line for each outage. */
  #failed(code: string): number {
    const { logger, counters, now } = this.#options;
    const { oldest } = this.#feed;
    this.#lacksSince ??= oldest === null ? null : splitId(oldest)[0];
    counters.behindMs[this.#partition] = this.#lacksSince === null ? 0 : Math.max(0, now() - this.#lacksSince);
    // It is unknown what was written: a reply may be lost.
    this.#at = null;
    if (this.#failures === 0) {
      logger.warn(
        { partition: this.#partition, code, ...remedyFor(code) },
        'the table of live calls waits for the log',
      );
    }
    this.#failures += 1;
    return Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(this.#failures, 10)) * (0.5 + Math.random() / 2);
  }

  /** New entries do not end a short wait, so that they are written together. */
  async #wait(ms: number, signal: AbortSignal): Promise<void> {
    if (ms >= IDLE_MS) return this.#waiting.until(performance.now() + ms);
    return delay(ms, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}
