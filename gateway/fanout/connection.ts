import type { Position } from '../../protocol/position.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import type { SourceGapNotice } from './source-gap-notice.ts';
import type { View } from './view.ts';

/** The destination of a connection's frames: the only writer of that connection. */
export interface Sink {
  /** Whole frames only. `release` is called once the socket has taken the bytes or is gone. */
  write(chunk: Buffer, release: (() => void) | null): void;
  /** Bytes written here that the kernel has not taken yet. */
  readonly queued: number;
  /** Calls back once, later, when the kernel has taken the queued bytes; never for a socket that is gone. */
  whenDrained(callback: () => void): void;
}

export type LossReason = 'cursor_too_old' | 'epoch_lost';

/** What happens to a connection that stays behind: it pulls at its own pace, skips to live, or is ended. */
export type SlowPolicy = Subscription['spec']['gateway']['connections']['slowConsumerPolicy'];

/** Reports of the fan-out to a connection besides events; each call is in order with the events around it. */
export interface Notices {
  /**
   * Entries after `last` could not be kept. Nothing more is written until the connection leaves or starts at another
   * position.
   */
  lost(reason: LossReason, last: Position): void;
  /** Under the policy Latest: entries after `last` were skipped, and it is live again. */
  skipped(last: Position): void;
  /** This many entries that may have been for it break the format and were skipped. */
  poison(entries: number): void;
  /** A switch had no listener for a time. Every connection gets this, whatever it may see. */
  sourceGap(notice: SourceGapNotice): void;
  /** Everything up to the requested end was written. */
  finished(): void;
}

/** A connection that is behind for this long is slow: a burst alone does not make it slow. */
export const SLOW_AFTER_MS = 5_000;

/** Whether a connection has been behind long enough for its policy to apply. Pure. */
export function isSlow(behind: Behind | null, now: number): boolean {
  return behind !== null && behind.since !== null && now - behind.since >= SLOW_AFTER_MS;
}

/**
 * A connection as the fan-out sees it. It is live (gets each round at once) or behind. A connection that is behind
 * pulls from its own position: from the tail in memory, or from pages of the log when it has fallen out of the tail. A
 * connection that resumes or replays starts behind.
 */
export interface Connection {
  view: View;
  readonly sink: Sink;
  readonly policy: SlowPolicy;
  readonly notices: Notices;
  /** Null while live. */
  behind: Behind | null;
  closed: boolean;
  /**
   * Where it joined the stream of its view, see shared-stream.ts: the only state that compression keeps for a
   * connection (D3).
   */
  mark: number;
}

export interface Behind {
  readonly epoch: string;
  /** Number of the next round to write, null while only the position is known. */
  round: number | null;
  /** Everything up to here was written or did not match. */
  from: readonly string[];
  /** Entries of coming rounds that were delivered before a resume, null when there are none. */
  delivered: readonly string[] | null;
  /** End of a bounded replay. */
  readonly until: readonly string[] | null;
  /** When it fell behind by not draining (`performance.now`); null for one that resumes or replays. */
  readonly since: number | null;
  /** After a loss: nothing is written until the connection starts at another position. */
  readonly isHalted: boolean;
}
