import type { Position } from '../../protocol/position.ts';
import type { View } from './view.ts';

/** Where a subscriber's frames go: the one writer of its connection. */
export interface Sink {
  /** Whole frames only. `release` is called once the socket has taken the bytes or is gone. */
  write(chunk: Buffer, release: (() => void) | null): void;
  /** Bytes written here that the kernel has not taken yet. */
  readonly queued: number;
  /** Calls back once, later, when the kernel has taken what was queued; never for a socket that is gone. */
  whenDrained(callback: () => void): void;
}

export type LossReason = 'cursor_too_old' | 'epoch_lost';

/**
 * A connection as the fan-out sees it. It is live (gets each round as it comes) or behind, and then pulls from its
 * own position: from the tail in memory, or from pages of the log when it has fallen out of the tail.
 */
export interface Subscriber {
  readonly view: View;
  readonly sink: Sink;
  /** Entries after this could not be kept for the subscriber: nothing more is written, the connection must be told. */
  lost(reason: LossReason, last: Position): void;
  /** Null while live. */
  behind: Behind | null;
  closed: boolean;
}

export interface Behind {
  /** Number of the next round to write. */
  round: number;
  /** The same as ids, for when that round has left the tail; of the epoch in which it fell behind. */
  from: readonly string[];
  readonly epoch: string;
}
