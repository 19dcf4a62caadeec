import type { SourceGap } from '../../protocol/source-gap.ts';
import type { Position } from './position.ts';
import type { RedisClock } from './redis-clock.ts';
import type { Interval, Segment } from './tape.ts';

/** What a new leader publishes before a segment of its own events. */
export type Verdict =
  /** The log has, or will have, everything before it. */
  | { readonly kind: 'continues' }
  /** The endpoint's first day: nothing is missing, and the existing legs begin. */
  | { readonly kind: 'first' }
  /**
   * No replica listened during `gap`; null where an earlier leader has found it. `restarted`: the switch has restarted
   * since.
   */
  | { readonly kind: 'uncovered'; readonly gap: Interval | null; readonly restarted: boolean };

export interface TakeoverFacts {
  readonly segments: readonly Pick<Segment, 'from' | 'beganAt' | 'to' | 'instance' | 'joined'>[];
  readonly position: Position | null;
  /** Gaps that an earlier leader found and may not have written. */
  readonly pending: readonly SourceGap[];
  readonly clock: Pick<RedisClock, 'earliest' | 'latest'>;
}

/**
 * Finds the times without any listener: the log is complete up to the announced position, and this replica's segments
 * hold what it received. Intervals are Unix milliseconds of Redis's clock. Returns one verdict for each segment. Pure.
 */
export function judgeTakeover({ segments, position, pending, clock }: TakeoverFacts): readonly Verdict[] {
  let complete = position?.until ?? null;
  let told = Math.max(0, ...pending.map(({ to }) => to));
  let instance = position?.instance ?? '';
  return segments.map((segment) => {
    const from = segment.beganAt ?? clock.latest(segment.from) ?? segment.from;
    const end = segment.to === null ? Infinity : (clock.earliest(segment.to) ?? segment.to);
    const before = complete;
    const restarted = instance !== '' && segment.instance !== instance;
    complete = Math.max(complete ?? 0, end);
    instance = segment.instance;
    if (segment.joined || (before !== null && from <= before)) return { kind: 'continues' };
    if (before === null) return { kind: 'first' };
    const since = Math.max(before, told);
    told = Math.max(told, from);
    return { kind: 'uncovered', gap: from > since ? { from: since, to: from } : null, restarted };
  });
}
