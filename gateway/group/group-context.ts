import type { Position } from '../../protocol/position.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { durationMs } from '../../protocol/subscription.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { Cursors } from '../../event-log/cursor-seal.ts';
import type { RouteIndex, Wanted } from '../fanout/route-index.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import type { EventTraces } from '../trace/event-traces.ts';
import type { GroupCounters } from './counters.ts';
import type { OtherMember } from './failure.ts';
import type { GroupFilter } from './group-filter.ts';
import type { GroupGap, GroupGapReason, LostReason } from './groups.ts';
import type { Held, Loaded } from './ledger.ts';
import type { PartitionWork } from './partition-work.ts';
import type { GroupOf } from './registry.ts';
import type { SpreadMember } from './spread.ts';

/** Durations; tests shorten them. */
export interface Timings {
  readonly leaseMs: number;
  /** Between two attempts to take a lease that another replica still has. */
  readonly acquireMs: number;
  /** Between two reads without a wake: a safety net. */
  readonly pollMs: number;
  /** How long a hand-over to another replica waits for events that members have. */
  readonly handOverMs: number;
  /** How long a drain waits at most. */
  readonly drainMs: number;
  /** Milliseconds between two checks that groups and streams are still the same. */
  readonly checkMs: number;
  /** Milliseconds between two checks for unused groups. */
  readonly retireMs: number;
}

/** A replica that dies is replaced within the lease's time and one more second. */
export const TIMINGS: Timings = {
  leaseMs: 6_000,
  acquireMs: 250,
  pollMs: 1_000,
  handOverMs: 3_000,
  drainMs: 10_000,
  checkMs: 5_000,
  retireMs: 60_000,
};

/** The declaration of a group; times in milliseconds. */
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

/** A member as a partition's owner sees it: a connection of the group. */
export interface GroupMember extends SpreadMember, Loaded {
  /** Unique among the members of this process. */
  readonly number: number;
  /**
   * How much may be written to it now: nothing while its client does not know whether it is on standby, its socket is
   * full, or it has no credit.
   */
  room(): { readonly events: number; readonly bytes: number };
  /** Writes a batch, and counts each event as being with this member. */
  deliver(batch: readonly Held<GroupMember>[]): void;
  /** The member no longer has the event. */
  forget(held: Held<GroupMember>): void;
  /**
   * The event was not acknowledged in time. Returns whether the member hangs: it has finished nothing since the write.
   */
  missed(held: Held<GroupMember>): boolean;
}

/** A member as its group knows it: a connection, or a sender. */
export interface JoinedMember extends GroupMember {
  /** Whether it knows if it is on standby: nothing is written before. */
  readonly isPlaced: boolean;
  tell(standby: boolean, position: Position | null): void;
  tellGap(reason: GroupGapReason, gap: GroupGap): void;
  /** Called once, and not before the greeting. */
  tellSourceGap(notice: SourceGapNotice): void;
  /** Ends the membership from the gateway's side. */
  lose(reason: LostReason): void;
  /** Pending events go to the others, in order. A second call has no effect. */
  leave(): void;
}

/** What a member needs from its group. */
export interface MemberGroup {
  readonly maxPending: number;
  /** The work of the partition that has this event, if the event is unfinished. */
  workOf(partition: number): PartitionWork | undefined;
  /** The member can take more. */
  flows(): void;
  left(member: JoinedMember): void;
}

/** Creates a member; `number` is unique among the members of this process. */
export type MakeMember<R extends JoinedMember> = (number: number, group: MemberGroup) => R;

/** Shared by the owners of a group's partitions. More than eight members: one object for all partitions of a group. */
export interface GroupContext {
  readonly of: GroupOf;
  readonly replica: string;
  readonly limits: GroupLimits;
  readonly timings: Timings;
  readonly index: RouteIndex;
  readonly filter: GroupFilter;
  readonly counters: GroupCounters;
  readonly traces: EventTraces | null;
  readonly logger: Logger;
  readonly cursors: Pick<Cursors, 'pseudonym'>;
  /** Scope and filter of all members; null without any. */
  readonly view: Wanted | null;
  /**
   * Whether the grant of the members is known to be in force at this time (monotonic). If not, entries that it excludes
   * are not acknowledged, and the partitions are released (I13).
   */
  isGranted(now: number): boolean;
  /** The member that gets this call; null without any. */
  choose(call: string, partition: number): GroupMember | null;
  /** A different member for the call. One that hangs only if all hang; null if there is no other. */
  chooseOther(member: GroupMember, call: string, partition: number): GroupMember | null;
  /** Where there is another member that does not hang. */
  otherThan(member: GroupMember): OtherMember;
  /** The member hangs: its calls go to others, in all partitions. */
  hangs(member: GroupMember): void;
  /** How many more entries this replica may hold for the group. */
  free(): number;
  /** Changes the number of entries that are held, or are about to be. */
  hold(entries: number): void;
  tell(reason: GroupGapReason, gap: GroupGap): void;
  /** Notifies all members. */
  tellSourceGap(notice: SourceGapNotice): void;
  /** This replica reads the partition from now on, or no longer. */
  owns(partition: number, isOwner: boolean): void;
  /** The group no longer exists in Redis. */
  groupLost(): void;
}
