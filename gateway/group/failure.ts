import type { Held, Loaded } from './ledger.ts';

/** Deliveries that count against the event: all but those to members that hung. */
export function countedAttempts({ attempts, excused }: Pick<Held<Loaded>, 'attempts' | 'excused'>): number {
  return attempts - excused;
}

/**
 * Records that the delivery to this member failed, and decides whether the event becomes a dead letter (I14): only when
 * it was delivered often enough, and failed on more than one member or has no other member to go to.
 */
export function isExhausted<C extends Loaded>(
  held: Held<C>,
  failure: { readonly member: number; readonly maxDeliver: number; readonly hasOther: boolean },
): boolean {
  held.failedElsewhere ||= held.failedAt !== null && held.failedAt !== failure.member;
  held.failedAt = failure.member;
  return countedAttempts(held) >= failure.maxDeliver && (held.failedElsewhere || !failure.hasOther);
}

/**
 * Whether the next delivery is the last one, and every failure so far was of one member: another member should get it.
 */
export function needsAnother<C extends Loaded>(held: Held<C>, maxDeliver: number): boolean {
  return !held.failedElsewhere && countedAttempts(held) + 1 >= maxDeliver;
}
