import type { CloseName, CloseReason } from '../../protocol/close-code.ts';
import type { Position } from '../../protocol/position.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { Moment } from './liveness.ts';
import type { Contract } from './plan-upgrade.ts';

/** A connection of a client, by whatever it speaks: what a replica asks of each. */
export interface ClientConnection {
  readonly id: string;
  /** Counts the connections of this replica. */
  readonly number: number;
  readonly address: string;
  readonly contract: Contract | 'sse';
  /** Null for one that reads the log itself. */
  readonly group: string | null;
  /** Unix milliseconds. */
  readonly since: number;
  readonly token: VerifiedToken;
  readonly isBehind: boolean;
  /** Bytes that this process holds for the peer. */
  readonly unreadBytes: number;
  /** How long it has been open, in milliseconds. */
  readonly age: number;
  /** It ends for what its client sent. */
  readonly isAtFault: boolean;
  announceDrain(retryAfterMs: number): void;
  /** After a change of the directory or of the profiles of privacy. */
  judgeAgain(): void;
  /** Does what is due, once a second. */
  sweep(now: Moment): void;
  /** False: it was ended before. */
  close(name: CloseName, reason: CloseReason, last?: Position | null): boolean;
  terminate(): void;
}
