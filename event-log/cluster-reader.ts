import type { Cluster, Redis } from 'ioredis';
import type { Position } from '../protocol/position.ts';
import type { RedisNode } from '../runtime/redis/connection.ts';
import { withDeadline } from '../runtime/redis/deadline.ts';
import { redisErrorCode } from '../runtime/redis/error-code.ts';
import type { Logger } from '../runtime/logging/logger.ts';
import { judgeContinuity, type PartitionState } from './continuity.ts';
import { LogUnavailable, type LogReader, type LogState, type ReadOutcome, type StoredEntry } from './event-log.ts';
import { PartitionFollower, type Known, type Turn } from './partition-follower.ts';
import { logState, partitionStates, renewEpoch, type FollowedPlace } from './partition-state.ts';
import { CONNECT_LIMIT_MS } from './redis-reader.ts';

export interface ClusterReaderOptions {
  readonly place: FollowedPlace & { readonly client: Cluster };
  /** A new blocking client for one node, not yet connected. */
  readonly open: (node: RedisNode) => Redis;
  readonly logger: Logger;
  readonly checkEveryMs: number;
}

/** A turn that is running, or has ended and whose result was not fetched yet. */
interface UnderWay {
  readonly id: string;
  ended: Promise<void>;
  outcome: Turn | null;
}

interface Lane {
  follower: PartitionFollower;
  known: Known;
  underWay: UnderWay | null;
  /** Why the partition is unavailable; null while it is available. */
  outCode: string | null;
}

/**
 * Follows a Redis Cluster. No command may name keys of two slots, not even on one node, so each partition is read on a
 * connection of its own. While some partitions are unavailable the others continue; when all are, `read` rejects.
 */
export class ClusterReader implements LogReader {
  readonly #options: ClusterReaderOptions;
  readonly #closing = new AbortController();
  #epoch = '';
  #lanes: readonly Lane[] = [];

  constructor(options: ClusterReaderOptions) {
    this.#options = options;
  }

  async read(position: Position, options: { waitMs: number; signal: AbortSignal }): Promise<ReadOutcome> {
    const { waitMs, signal } = options;
    signal.throwIfAborted();
    try {
      if (position.epoch !== this.#epoch) {
        const lost = await withDeadline(this.#begin(position), { ms: CONNECT_LIMIT_MS * 2, signal });
        if (lost) return { kind: 'epoch_lost', state: lost };
      }
      await this.#wait(position, waitMs, signal);
      const turns = this.#fetch();
      if (turns.some(({ kind }) => kind === 'lost')) return await this.#lost(signal);
      return { kind: 'entries', entries: this.#entriesOf(turns) };
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof LogUnavailable) throw error;
      throw new LogUnavailable(redisErrorCode(error));
    }
  }

  /** Compares every partition with the position. Returns the state when the streams differ, else null. */
  async #begin(position: Position): Promise<LogState | null> {
    const { place } = this.#options;
    this.#discard();
    let states = await partitionStates(place, position.ids);
    if (logState(states).epoch === position.epoch && (await this.#renewBroken(position, states))) {
      states = await partitionStates(place, position.ids);
    }
    const state = logState(states);
    if (state.epoch !== position.epoch) return state;
    this.#epoch = state.epoch;
    this.#lanes = states.map(({ epoch, added }, partition) => ({
      follower: this.#follower(partition),
      known: { epoch, added },
      underWay: null,
      outCode: null,
    }));
    return null;
  }

  async #renewBroken(position: Position, states: readonly PartitionState[]): Promise<boolean> {
    const { place, logger } = this.#options;
    let isBroken = false;
    for (const [partition, state] of states.entries()) {
      const reader = { id: position.ids[partition] ?? '0-0', addedBefore: 0, behind: true };
      const why = judgeContinuity(state, reader);
      if (why === null) continue;
      isBroken = true;
      logger.warn({ partition, why }, 'entries of a stream were lost: its epoch is renewed');
      await renewEpoch(place, partition, state.epoch);
    }
    return isBroken;
  }

  /** Resolves when a partition's turn has ended, or after `waitMs`: turns continue without a waiting caller. */
  async #wait(position: Position, waitMs: number, signal: AbortSignal): Promise<void> {
    for (const [partition, lane] of this.#lanes.entries()) this.#start(lane, position.ids[partition] ?? '0-0', waitMs);
    if (this.#lanes.some(({ underWay }) => underWay?.outcome)) return;
    let timer: NodeJS.Timeout | undefined;
    let abort: (() => void) | undefined;
    const over = new Promise<void>((resolve, reject) => {
      timer = setTimeout(resolve, waitMs);
      abort = () => reject(signal.reason as Error);
      signal.addEventListener('abort', abort);
    });
    try {
      await Promise.race([over, ...this.#lanes.map(({ underWay }) => underWay?.ended)]);
    } finally {
      clearTimeout(timer);
      if (abort) signal.removeEventListener('abort', abort);
    }
  }

  #start(lane: Lane, id: string, waitMs: number): void {
    if (lane.underWay?.id === id) return;
    if (lane.underWay !== null) {
      // It belongs to a position that differs from the requested one: its answer would be useless.
      lane.follower.discard();
      lane.follower = this.#follower(lane.follower.partition);
    }
    const underWay: UnderWay = { id, outcome: null, ended: Promise.resolve() };
    const run = async () => {
      const { turn, known } = await lane.follower.turn(id, waitMs, lane.known);
      underWay.outcome = turn;
      if (lane.underWay === underWay) lane.known = known;
    };
    underWay.ended = run();
    lane.underWay = underWay;
  }

  #follower(partition: number): PartitionFollower {
    return new PartitionFollower({ ...this.#options, partition, signal: this.#closing.signal });
  }

  #fetch(): Turn[] {
    const turns: Turn[] = [];
    for (const lane of this.#lanes) {
      const turn = lane.underWay?.outcome ?? null;
      if (turn === null) continue;
      lane.underWay = null;
      turns.push(turn);
      this.#tell(lane, turn);
    }
    return turns;
  }

  #tell(lane: Lane, turn: Turn): void {
    const { logger } = this.#options;
    const { partition } = lane.follower;
    if (turn.kind === 'failed') {
      if (lane.outCode === null) logger.error({ partition, code: turn.code }, 'a partition is unavailable');
      lane.outCode = turn.code;
    } else if (turn.kind === 'entries' && lane.outCode !== null) {
      logger.info({ partition }, 'a partition is available again');
      lane.outCode = null;
    }
  }

  #entriesOf(turns: readonly Turn[]): StoredEntry[] {
    const codes = this.#lanes.flatMap(({ outCode }) => outCode ?? []);
    const [code] = codes;
    if (code !== undefined && codes.length === this.#lanes.length) throw new LogUnavailable(code);
    return turns.flatMap((turn) => (turn.kind === 'entries' ? turn.entries : []));
  }

  async #lost(signal: AbortSignal): Promise<ReadOutcome> {
    this.#discard();
    const state = logState(
      await withDeadline(partitionStates(this.#options.place), { ms: CONNECT_LIMIT_MS * 2, signal }),
    );
    return { kind: 'epoch_lost', state };
  }

  #discard(): void {
    this.#epoch = '';
    for (const { follower } of this.#lanes) follower.discard();
    this.#lanes = [];
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#discard();
    return Promise.resolve();
  }
}
