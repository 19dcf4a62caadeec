import type { Redis } from 'ioredis';
import { streamKeys } from '../protocol/keys.ts';
import type { Position } from '../protocol/position.ts';
import { withDeadline } from '../runtime/redis/deadline.ts';
import { redisErrorCode } from '../runtime/redis/error-code.ts';
import { outageCode } from '../runtime/redis/outage.ts';
import type { Logger } from '../runtime/logging/logger.ts';
import { judgeContinuity, type PartitionState } from './continuity.ts';
import { decodeEntry, type RawEntry } from './decode-entry.ts';
import { LogUnavailable, type LogReader, type LogState, type ReadOutcome, type StoredEntry } from './event-log.ts';
import { logState, partitionStates, renewEpoch, type FollowedPlace } from './partition-state.ts';

export const COUNT = 128;
export const CONNECT_LIMIT_MS = 4_000;
/** How much longer than BLOCK a reply may take before the connection counts as dead. */
export const WATCHDOG_MARGIN_MS = 2_000;

type ReadReply = readonly (readonly [key: Buffer, entries: readonly RawEntry[]])[] | null;

export interface ReaderOptions {
  readonly place: FollowedPlace;
  /** A new blocking client, not yet connected. */
  readonly open: () => Redis;
  readonly logger: Logger;
  /** Milliseconds between two comparisons of the streams with what was read. */
  readonly checkEveryMs: number;
}

/**
 * Follows all partitions with one blocking XREAD on a connection of its own. The connection never recovers by itself:
 * after any fault it is discarded, and the next one delivers nothing before the streams were found to be the same.
 */
export class RedisReader implements LogReader {
  readonly #options: ReaderOptions;
  readonly #keys: readonly string[];
  readonly #partitionOfKey: ReadonlyMap<string, number>;
  #client: Redis | null = null;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #checkedEpoch = '';
  #added: readonly number[] = [];
  /** Whether unread entries may have been trimmed. */
  #behind = true;

  constructor(options: ReaderOptions) {
    this.#options = options;
    const { keyPrefix, partitions } = options.place;
    this.#keys = Array.from({ length: partitions }, (_, partition) => streamKeys(keyPrefix, partition).events);
    this.#partitionOfKey = new Map(this.#keys.map((key, partition) => [key, partition]));
  }

  async read(position: Position, options: { waitMs: number; signal: AbortSignal }): Promise<ReadOutcome> {
    const { signal } = options;
    signal.throwIfAborted();
    try {
      const client = this.#client ?? (await this.#connect(signal));
      const due = this.#checkedAt + this.#options.checkEveryMs - performance.now();
      if (due <= 0 || position.epoch !== this.#checkedEpoch) {
        const lost = await withDeadline(this.#check(position), { ms: CONNECT_LIMIT_MS * 2, signal });
        if (lost) return { kind: 'epoch_lost', state: lost };
      }
      const waitMs = Math.max(1, Math.round(Math.min(options.waitMs, this.#options.checkEveryMs)));
      return { kind: 'entries', entries: await this.#next(client, position, { waitMs, signal }) };
    } catch (error) {
      const reason = this.#client && outageCode(this.#client);
      this.#discard();
      if (signal.aborted) throw signal.reason;
      throw new LogUnavailable(reason ?? redisErrorCode(error));
    }
  }

  async #connect(signal: AbortSignal): Promise<Redis> {
    const client = this.#options.open();
    this.#client = client;
    this.#checkedAt = Number.NEGATIVE_INFINITY;
    this.#behind = true;
    await withDeadline(client.connect(), { ms: CONNECT_LIMIT_MS, signal });
    return client;
  }

  async #next(client: Redis, position: Position, options: { waitMs: number; signal: AbortSignal }) {
    const { waitMs, signal } = options;
    const command = client.callBuffer(
      'xread',
      'COUNT',
      COUNT,
      'BLOCK',
      waitMs,
      'STREAMS',
      ...this.#keys,
      ...position.ids,
    );
    const reply = (await withDeadline(command, { ms: waitMs + WATCHDOG_MARGIN_MS, signal })) as ReadReply;
    const entries: StoredEntry[] = [];
    this.#behind = false;
    for (const [key, raws] of reply ?? []) {
      const partition = this.#partitionOfKey.get(key.toString()) ?? 0;
      if (raws.length === COUNT) this.#behind = true;
      for (const raw of raws) entries.push(decodeEntry(partition, raw));
    }
    return entries;
  }

  /** The new state when the streams are no longer those of the position; null when reading may continue. */
  async #check(position: Position): Promise<LogState | null> {
    const { place, logger } = this.#options;
    let states = await partitionStates(place, position.ids);
    if (logState(states).epoch === position.epoch) {
      const broken = this.#breaks(position, states);
      for (const { partition, why, epoch } of broken) {
        logger.warn({ partition, why }, 'entries of a stream were lost: its epoch is renewed');
        await renewEpoch(place, partition, epoch);
      }
      if (broken.length > 0) states = await partitionStates(place, position.ids);
    }
    const state = logState(states);
    this.#checkedAt = performance.now();
    this.#checkedEpoch = state.epoch;
    this.#added = states.map((one) => one.added);
    return state.epoch === position.epoch ? null : state;
  }

  #breaks(position: Position, states: readonly PartitionState[]) {
    // Counts can be compared only within one epoch.
    const added = position.epoch === this.#checkedEpoch ? this.#added : [];
    return states.flatMap((state, partition) => {
      const reader = {
        id: position.ids[partition] ?? '0-0',
        addedBefore: added[partition] ?? 0,
        behind: this.#behind,
      };
      const why = judgeContinuity(state, reader);
      return why === null ? [] : [{ partition, why, epoch: state.epoch }];
    });
  }

  #discard(): void {
    this.#client?.disconnect();
    this.#client = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#discard();
    return Promise.resolve();
  }
}
