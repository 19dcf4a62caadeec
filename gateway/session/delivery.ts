import type { CloseName, CloseReason } from '../../protocol/close-code.ts';
import type { Position } from '../../protocol/position.ts';
import type { ClientFrame } from '../../protocol/client-frame.ts';
import type { Grant } from '../auth/grant.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import type { Redactor } from '../privacy/redactor.ts';
import type { SessionRecord } from '../journal/session-record.ts';
import type { AckOutcome } from '../group/groups.ts';
import type { Gap } from './announcements.ts';
import type { SnapshotRefusal } from './snapshot-delivery.ts';

/** A client's acknowledgement of events of a group. */
export type Acknowledgement = Extract<ClientFrame, { kind: 'ack' | 'nack' | 'progress' | 'term' }>;

/** The origin of a connection's events: the log itself, or a group's share of it. */
export interface Delivery {
  /**
   * Everything up to here was written to the connection, or is not for it; null in a group, which keeps its own
   * position.
   */
  readonly position: Position | null;
  /** The same, also while a round is being written, and where the client has no cursor for it. */
  readonly writtenTo: Position | null;
  readonly isBehind: boolean;
  /** Entries between the connection and the head; null when unknown. */
  readonly entriesBehind: number | null;
  /** Whether its policy ends the connection now. */
  readonly isTooSlow: boolean;
  /** Changes scope or filter of later events; false where it cannot change. */
  refilter(grant: Grant): boolean;
  /** Applies this profile to later events; null: events are unchanged. */
  show(privacy: Redactor | null): void;
  /** Null when a snapshot of the live calls follows, else why none does. */
  askSnapshot(): Promise<SnapshotRefusal | null>;
  /** Null where nothing is acknowledged. */
  acknowledge(frame: Acknowledgement): Promise<AckOutcome> | AckOutcome | null;
  /** Receives a pong of the client. */
  pong(payload: Buffer): void;
  /** Writes nothing more. A second call has no effect. */
  leave(): void;
}

/** What a delivery needs from its session besides writing events. */
export interface DeliverySession {
  readonly isOpen: boolean;
  /** Whether gaps can be reported by a frame. */
  readonly reportsGaps: boolean;
  /** What it notes in the journal. */
  readonly record: SessionRecord;
  gap(gap: Gap): void;
  sourceGap(notice: SourceGapNotice): void;
  /** `last` is sent as the cursor from which its client resumes. */
  close(name: CloseName, reason: CloseReason, last?: Position | null): void;
}
