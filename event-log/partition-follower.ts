import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import { streamKeys } from '../protocol/keys.ts';
import { reconnectDelay } from '../runtime/redis/reconnect-delay.ts';
import type { RedisNode } from '../runtime/redis/connection.ts';
import { withDeadline } from '../runtime/redis/deadline.ts';
import { redisErrorCode } from '../runtime/redis/error-code.ts';
import { outageCode } from '../runtime/redis/outage.ts';
import { nodeOf, redirectOf, slotOf } from '../runtime/redis/redirect.ts';
import { judgeContinuity } from './continuity.ts';
import { decodeEntry, type RawEntry } from './decode-entry.ts';
import type { StoredEntry } from './event-log.ts';
import { partitionState, renewEpoch, type FollowedPlace } from './partition-state.ts';
import { CONNECT_LIMIT_MS, COUNT, WATCHDOG_MARGIN_MS, type ReaderOptions } from './redis-reader.ts';

/** The result of one turn: entries (none when the wait ended), or why there were none. */
export type Turn =
  | { readonly kind: 'entries'; readonly entries: readonly StoredEntry[] }
  | { readonly kind: 'lost' }
  /** The slot has moved: the next turn goes to its new node. */
  | { readonly kind: 'redirected' }
  | { readonly kind: 'failed'; readonly code: string };

/** Knowledge of the partition's stream since it was last found to be the same. */
export interface Known {
  readonly epoch: string;
  readonly added: number;
}

/** Nodes that redirect a client back and forth disagree: that is a fault, and is retried like one. */
const MOST_REDIRECTS = 5;

type ReadReply = readonly (readonly [key: Buffer, entries: readonly RawEntry[]])[] | null;

export interface FollowerOptions extends Omit<ReaderOptions, 'place' | 'open'> {
  readonly place: FollowedPlace & { readonly client: Cluster };
  readonly open: (node: RedisNode) => Redis;
  readonly partition: number;
  readonly signal: AbortSignal;
}

/**
 * Follows one partition of a cluster with a blocking XREAD, on a connection of its own to the master of its slot,
 * wherever that moves. After any fault the connection is discarded, and the next one delivers nothing before the stream
 * was found to be the same.
 */
export class PartitionFollower {
  readonly #options: FollowerOptions;
  readonly #key: string;
  #slot: number | null = null;
  #client: Redis | null = null;
  /** Where to connect after a redirection; ASK applies while the slot migrates. */
  #told: { readonly node: RedisNode; readonly asking: boolean } | null = null;
  #checkedAt = Number.NEGATIVE_INFINITY;
  #behind = true;
  #failures = 0;
  #redirects = 0;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#key = streamKeys(options.place.keyPrefix, options.partition).events;
  }

  get partition(): number {
    return this.#options.partition;
  }

  /** A check replaces `known`. Never rejects; a turn after a failure begins with a pause. */
  async turn(id: string, waitMs: number, known: Known): Promise<{ turn: Turn; known: Known }> {
    const { signal, checkEveryMs } = this.#options;
    try {
      if (this.#failures > 0) await delay(reconnectDelay(this.#failures), undefined, { signal, ref: false });
      const client = this.#client ?? (await this.#connect());
      let found = known;
      if (this.#checkedAt + checkEveryMs <= performance.now()) {
        const checked = await withDeadline(this.#check(id, known), { ms: CONNECT_LIMIT_MS * 2, signal });
        if (checked === null) return { turn: { kind: 'lost' }, known };
        found = checked;
      }
      const entries = await this.#next(client, id, Math.max(1, Math.round(Math.min(waitMs, checkEveryMs))));
      this.#failures = 0;
      this.#redirects = 0;
      return { turn: { kind: 'entries', entries }, known: found };
    } catch (error) {
      return { turn: this.#fail(error), known };
    }
  }

  #fail(error: unknown): Turn {
    const asked = this.#client?.options.host ?? '';
    const redirect = redirectOf(error, asked);
    const code = (this.#client && outageCode(this.#client)) ?? redisErrorCode(error);
    this.discard();
    if (redirect !== null && this.#redirects < MOST_REDIRECTS) {
      this.#told = { node: redirect.node, asking: redirect.kind === 'ASK' };
      this.#redirects += 1;
      this.#failures = 0;
      return { kind: 'redirected' };
    }
    this.#told = null;
    this.#redirects = 0;
    this.#failures += 1;
    return { kind: 'failed', code };
  }

  async #connect(): Promise<Redis> {
    const { place, open, signal } = this.#options;
    this.#slot ??= await slotOf(place.client, this.#key);
    // A command follows the slot to its present node, and the client learns that node.
    if (this.#failures > 0) await place.client.exists(this.#key);
    const node = this.#told?.node ?? nodeOf(place.client, this.#slot);
    if (node === null) throw new Error("the slot's node isn't ready and enableOfflineQueue");
    const client = open(node);
    this.#client = client;
    this.#checkedAt = Number.NEGATIVE_INFINITY;
    this.#behind = true;
    await withDeadline(client.connect(), { ms: CONNECT_LIMIT_MS, signal });
    return client;
  }

  async #next(client: Redis, id: string, waitMs: number): Promise<StoredEntry[]> {
    const { partition, signal } = this.#options;
    // ASKING applies to the one command that follows on the connection.
    if (this.#told?.asking === true) client.asking().catch(() => undefined);
    const command = client.callBuffer('xread', 'COUNT', COUNT, 'BLOCK', waitMs, 'STREAMS', this.#key, id);
    const reply = (await withDeadline(command, { ms: waitMs + WATCHDOG_MARGIN_MS, signal })) as ReadReply;
    const raws = reply?.[0]?.[1] ?? [];
    this.#behind = raws.length === COUNT;
    return raws.map((raw) => decodeEntry(partition, raw));
  }

  /** Null when the stream is no longer the one that was read up to `id`: its epoch differs then. */
  async #check(id: string, known: Known): Promise<Known | null> {
    const { place, partition, logger } = this.#options;
    const state = await partitionState(place, partition, id);
    if (state.epoch !== known.epoch) return null;
    const why = judgeContinuity(state, { id, addedBefore: known.added, behind: this.#behind });
    if (why !== null) {
      logger.warn({ partition, why }, 'entries of a stream were lost: its epoch is renewed');
      await renewEpoch(place, partition, state.epoch);
      return null;
    }
    this.#checkedAt = performance.now();
    return { epoch: state.epoch, added: state.added };
  }

  discard(): void {
    this.#client?.disconnect();
    this.#client = null;
  }
}
