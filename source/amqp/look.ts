import type { Loss } from './bindings.ts';

/** A look that found the bindings, or made them. Times are Unix milliseconds. */
export interface Look {
  /** When it began. */
  readonly at: number;
  /** The markers that it asked for, as `Coverage.markers` told them. */
  readonly base: string | null;
  /** When the last one before it began that found them; null for the first of a process. */
  readonly verifiedAt: number | null;
  /** Why they were gone, and the markers that were set anew. */
  readonly lost: { readonly reason: Loss; readonly markers: string } | null;
  /** Messages that wait in the queue. */
  readonly waiting: number;
  /** A time of which the broker may have dropped messages as too old: they waited behind those in hand. */
  readonly expired: { readonly from: number; readonly to: number } | null;
}

/** What became of a look. */
export interface Settlement {
  /** False: the markers that the look asked for are not those in force. A loss that it found was told by another replica. */
  readonly isInForce: boolean;
  /** Markers that are in force no more. */
  readonly stale: readonly string[];
}

/**
 * What replicas know together of one broker. Markers have another name each time they are set, and only one replica can
 * replace those in force: so one loss is told once, and markers that a slow replica sets late hide no second one.
 * No call rejects; `false` and `null` say that the signal has aborted.
 */
export interface Coverage {
  /** The markers in force; '' before the first; null while Redis is away and this process has not learnt of any. */
  markers(): Promise<string | null>;
  /** Before markers are set in place of `base`: if this replica ends before they are in force, another removes them. */
  announce(markers: string, base: string | null, signal: AbortSignal): Promise<boolean>;
  /** After a look that ends with the bindings in place. Resolves once the log has the gap before what is newer (S4). */
  settle(look: Look, signal: AbortSignal): Promise<Settlement | null>;
  /** Stale markers were removed. */
  forget(markers: readonly string[]): Promise<void>;
}
