import type { CloseName, CloseReason } from '../../protocol/close-code.ts';
import type { Position } from '../../protocol/position.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { Moment } from './liveness.ts';
import type { Contract } from './plan-upgrade.ts';

/** A connection of a client over any protocol: what a replica needs from each. */
export interface ClientConnection {
  readonly id: string;
  /** Number of the connection on this replica. */
  readonly number: number;
  readonly address: string;
  readonly contract: Contract | 'sse';
  /** Null for a connection that reads the log itself. */
  readonly group: string | null;
  /** Unix milliseconds. */
  readonly since: number;
  readonly token: VerifiedToken;
  /** Everything up to here was handed to the connection, or is not for it; null in a group. */
  readonly writtenTo: Position | null;
  readonly isBehind: boolean;
  /** Bytes in memory of this process for the peer. */
  readonly unreadBytes: number;
  /** How long it has been open, in milliseconds. */
  readonly age: number;
  /** It ends because of what its client sent. */
  readonly isAtFault: boolean;
  announceDrain(retryAfterMs: number): void;
  /** Call after a change of the directory or of the privacy profiles. */
  judgeAgain(): void;
  /** Does the work that is due; called once a second. */
  sweep(now: Moment): void;
  /** False when it was ended before. */
  close(name: CloseName, reason: CloseReason, last?: Position | null): boolean;
  terminate(): void;
}
