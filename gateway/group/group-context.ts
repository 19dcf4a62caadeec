import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { durationMs } from '../../protocol/subscription.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RouteIndex } from '../fanout/route-index.ts';
import type { View } from '../fanout/view.ts';
import type { EventTraces } from '../trace/event-traces.ts';
import type { GroupCounters } from './counters.ts';
import type { GroupFilter } from './group-filter.ts';
import type { GroupGap, GroupGapReason } from './groups.ts';
import type { Held, Loaded } from './ledger.ts';
import type { Candidate } from './spread.ts';

/** How long things take; tests shorten them. */
export interface Timings {
  /** Between two heartbeats, and two looks at who owns what. */
  readonly beatMs: number;
  /** A replica that was not seen for so long counts as gone. */
  readonly aliveMs: number;
  readonly leaseMs: number;
  /** Between two tries to take a lease that another replica still has. */
  readonly acquireMs: number;
  /** Between two reads without a wake: a safety net. */
  readonly pollMs: number;
  /** How long a hand-over to another replica waits for what is with connections. */
  readonly handOverMs: number;
  /** How long a drain waits at most. */
  readonly drainMs: number;
  /** Between two looks whether groups and streams are still the same. */
  readonly checkMs: number;
}

/** A replica that dies is replaced within the lease's time and one more second; a beat is far below it. */
export const TIMINGS: Timings = {
  beatMs: 1_000,
  aliveMs: 5_000,
  leaseMs: 6_000,
  acquireMs: 250,
  pollMs: 1_000,
  handOverMs: 3_000,
  drainMs: 10_000,
  checkMs: 5_000,
};

/** What a group declares, in milliseconds. */
export interface GroupLimits {
  readonly ackWaitMs: number;
  readonly maxDeliver: number;
  readonly maxPending: number;
  readonly deadLetters: number;
}

export function limitsOf(group: ConsumerGroup): GroupLimits {
  return {
    ackWaitMs: durationMs(group.ackWait),
    maxDeliver: group.maxDeliver,
    maxPending: group.maxPending,
    deadLetters: group.deadLetter.maxLength,
  };
}

/** A connection as a partition's owner sees it. */
export interface Recipient extends Candidate, Loaded {
  /** How much may be written to it now: nothing while it is not placed, its socket is full or it has no credit. */
  room(): { readonly events: number; readonly bytes: number };
  /** Writes a batch, and counts each event as with this connection. */
  deliver(batch: readonly Held<Recipient>[]): void;
  /** The event is not with this connection any more. */
  forget(held: Held<Recipient>): void;
}

/** What the owners of a group's partitions share. */
export interface GroupContext {
  readonly replica: string;
  readonly limits: GroupLimits;
  readonly timings: Timings;
  readonly index: RouteIndex;
  readonly filter: GroupFilter;
  readonly counters: GroupCounters;
  readonly traces: EventTraces | null;
  readonly logger: Logger;
  /** Scope and filter of all connections; null without any. */
  readonly view: View | null;
  /** Who gets this call; null when nobody is there. */
  choose(call: string, partition: number): Recipient | null;
  /** How many more entries this replica may hold for the group. */
  free(): number;
  /** So many more are held, or are about to be. */
  hold(entries: number): void;
  tell(reason: GroupGapReason, gap: GroupGap): void;
  /** This replica reads the partition from now on, or no longer. */
  owns(partition: number, isOwner: boolean): void;
  /** The group is not there any more. */
  groupLost(): void;
}
