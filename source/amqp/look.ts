import type { Loss } from './bindings.ts';

/**
 * A look is one check of the queue and its bindings: it found the bindings, or restored them. Times are Unix
 * milliseconds.
 */
export interface Look {
  /** When the look began. */
  readonly at: number;
  /** The markers that it asked for, as `Coverage.markers` returned them. */
  readonly base: string | null;
  /** When the previous look that found the bindings began; null for the first look of a process. */
  readonly verifiedAt: number | null;
  /** Why the bindings were gone, and the new markers. */
  readonly lost: { readonly reason: Loss; readonly markers: string } | null;
  /** Number of messages that wait in the queue. */
  readonly waiting: number;
  /** A time whose messages the broker may have dropped as too old, because they waited behind unacknowledged ones. */
  readonly expired: { readonly from: number; readonly to: number } | null;
}

/** The outcome of a look. */
export interface Settlement {
  /**
   * False: the markers that the look asked for are not in force. Another replica has reported the loss, if there was
   * one.
   */
  readonly isInForce: boolean;
  /** Markers that are no longer in force. */
  readonly stale: readonly string[];
}

/**
 * Shared knowledge of all replicas about one broker. Markers get a new name each time they are set, and only one
 * replica can replace those in force. So one loss is reported once, and markers that a slow replica sets late hide no
 * second loss. No call rejects; `false` and `null` mean that the signal has aborted.
 */
export interface Coverage {
  /** The markers in force; '' before the first; null while Redis is away and this process has not read any. */
  markers(): Promise<string | null>;
  /**
   * Call before setting markers that replace `base`: if this replica ends before they are in force, another replica
   * removes them.
   */
  announce(markers: string, base: string | null, signal: AbortSignal): Promise<boolean>;
  /**
   * Call after a look, once the bindings exist. Resolves once the log has the gap, and before newer events are
   * appended (S4).
   */
  settle(look: Look, signal: AbortSignal): Promise<Settlement | null>;
  /** Stale markers were removed. */
  forget(markers: readonly string[]): Promise<void>;
}
