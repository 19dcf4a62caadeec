import type { Position } from '../../protocol/position.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { Grant } from '../auth/grant.ts';
import type { Directory } from '../directory/directory.ts';
import type { Redactor } from '../privacy/redactor.ts';
import type { Format } from '../fanout/encoding.ts';
import type { Sink } from '../fanout/connection.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import type { Problem } from '../http/problem.ts';
import type { GroupCounters } from './counters.ts';
import type { MakeMember, JoinedMember } from './group-context.ts';

export type Admission = { readonly ok: true } | { readonly ok: false; readonly problem: Problem };

export interface AdmitOptions {
  readonly regroup?: boolean;
  /** The group's own sender asks: nothing else may join such a group. */
  readonly isSender?: boolean;
}

/** The consumer groups of one resource, as one replica serves them. A group belongs to the account of the grant. */
export interface Groups extends AsyncDisposable {
  /**
   * Call before the upgrade. Refusals: 400 unknown_group; 403 group_keeps_nothing; 409 group_grant_differs, when
   * another grant is in force (`regroup` takes over the group once no connection has the other grant) and
   * group_is_a_webhook or group_is_a_sink; 429 too_many_groups; 501 groups_need_redis; 503 group_migrating, and
   * groups_unavailable while Redis is away or this replica drains.
   */
  admit(group: string, grant: Grant, options?: AdmitOptions): Promise<Admission>;
  /** Call after the upgrade of an admitted connection. */
  join(group: string, options: MemberOptions): Membership;
  /** Adds a member that is not a connection, once the sender of the group was admitted. */
  attach<R extends JoinedMember>(group: string, grant: Grant, make: MakeMember<R>): R;
  /** Called by the reader of the log for each partition with a new entry. */
  wake(partition: number): void;
  /** Called by the reader of the log: notifies connections of groups whose partition another replica reads. */
  sourceGap(notice: SourceGapNotice): void;
  useDirectory(directory: Directory): void;
  /** The groups of self-service webhooks as they are now. Memberships of groups that are gone end. */
  useOwn(groups: readonly ConsumerGroup[]): void;
  /** Creates the group of a new self-service webhook at its start position. Rejects with the client's error. */
  createOwn(group: ConsumerGroup & { readonly account: string }): Promise<void>;
  /**
   * Stops reading. Waits until the connections have finished their events, the signal fires or the limit is over, and
   * releases the leases. Connections remain, on standby.
   */
  drain(signal: AbortSignal): Promise<void>;
  /** For each declared group, over its accounts; `OWN_GROUPS` for those of self-service webhooks. */
  readonly counters: ReadonlyMap<string, Readonly<GroupCounters>>;
  /** For each group of an account that is served here. */
  status(): readonly GroupStatus[];
  /** For the heartbeat: connections by `<group>/<account>`, without groups that have none. */
  connections(): Readonly<Record<string, number>>;
  /** For the heartbeat: those of them that hang. */
  hung(): Readonly<Record<string, number>>;
}

/** In metrics, all groups of self-service webhooks together: logins must not decide on the number of time series. */
export const OWN_GROUPS = 'self_service';

export interface GroupStatus {
  readonly group: string;
  readonly account: string;
  /** Connections of this replica. */
  readonly connections: number;
  /** Of these, connections that hang: they acknowledge nothing, and get no new calls. */
  readonly hung: number;
  /** Partitions that this replica reads. */
  readonly partitions: readonly number[];
  /** Read and not finished here. */
  readonly pending: number;
}

export type GroupGapReason = 'trimmed' | 'poison';

export interface GroupGap {
  /** Ids of the lost events, or `<partition>:<entry id>` where only that is known; empty when they are unknown. */
  readonly ids: readonly string[];
  /** Null when unknown. */
  readonly missed: number | null;
}

/**
 * Why the gateway ends a membership: the streams were lost and refilled, the group was deleted (both 4410), or its
 * connections on other replicas have another grant.
 */
export type LostReason = 'epoch_lost' | 'group_lost' | 'grant_differs';

/** More than eight members: a connection as its session opens it; the last four are its notifications. */
export interface MemberOptions {
  readonly grant: Grant;
  /** `meta` adds `"_firehose":{...,"attempt":n}`. */
  readonly format: Format;
  /** The privacy view of the connection, read at each delivery; null: everything. */
  readonly privacy: () => Redactor | null;
  readonly sink: Sink;
  /** By frames (the methods of the membership), or by the pong that follows the written events. */
  readonly acknowledges: 'frames' | 'pongs';
  /** Sends a WebSocket ping, for `pongs`. */
  readonly ping: (payload: Buffer) => void;
  /**
   * Called once before any event is written, within two seconds of joining, and then on each change. `true`: this
   * replica owns nothing of the group. `position`: position of the group when this or a later connection requested it.
   */
  readonly onStandby: (standby: boolean, position: Position | null) => void;
  readonly onGap: (reason: GroupGapReason, gap: GroupGap) => void;
  /** A switch had no listener for a time. No client acknowledges this: the group has passed it. */
  readonly onSourceGap: (notice: SourceGapNotice) => void;
  /** Nothing more is written; the connection must be notified and closed. */
  readonly lost: (reason: LostReason) => void;
}

/** `isIdle`: it changed nothing, as when it is sent again; credit does not limit those. */
export type AckOutcome =
  | { readonly ok: true; readonly isIdle?: true }
  | { readonly ok: false; readonly code: AckCode; readonly detail: string };

/**
 * unknown_id: not with this connection, or finished already. unknown_cursor: not of this connection. moved: another
 * replica reads the partition now, or Redis could not be reached; the event may be delivered again.
 */
type AckCode = 'unknown_id' | 'unknown_cursor' | 'moved';

/** One connection of a group. Promises settle once Redis has the change, or cannot get it. None rejects. */
export interface Membership {
  readonly standby: boolean;
  /**
   * A cursor (everything written to this connection up to it), or event ids; known ids count even if others are
   * unknown.
   */
  ack(what: string | readonly string[]): Promise<AckOutcome>;
  /**
   * Delivers it again, after `delayMs` instead of the back-off of this attempt; a dead letter when that was the last
   * one.
   */
  nack(id: string, delayMs?: number): Promise<AckOutcome>;
  /** Still being handled: the wait for the acknowledgement starts again. */
  progress(id: string): AckOutcome;
  /** Never delivered again: a dead letter. */
  term(id: string, reason?: string): Promise<AckOutcome>;
  /** Any pong; one that answers no ping of this membership is ignored. */
  pong(payload: Buffer): void;
  /** Pending events go to the others, in order. A second call has no effect. */
  leave(): void;
}
