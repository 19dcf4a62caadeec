import type { Held, Loaded } from './ledger.ts';

/** Deliveries that count against the event: all except those to members that hung. */
export function countedAttempts({ attempts, excused }: Pick<Held<Loaded>, 'attempts' | 'excused'>): number {
  return attempts - excused;
}

/** Where there is another member that does not hang: on this replica, only on another one, or nowhere. */
export type OtherMember = 'here' | 'elsewhere' | 'nowhere';

/**
 * A member of another replica gets the event only once that replica takes over the partition: for that, this many times
 * as many deliveries are allowed.
 */
const ELSEWHERE_FACTOR = 2;

export interface Failure {
  readonly member: number;
  readonly maxDeliver: number;
  readonly other: OtherMember;
}

/**
 * Records that the delivery to this member failed, and decides whether the event becomes a dead letter (I14): only when
 * it was delivered often enough, and failed on more than one member or has no other member to go to.
 */
export function isExhausted<C extends Loaded>(held: Held<C>, { member, maxDeliver, other }: Failure): boolean {
  held.failedElsewhere ||= held.failedAt !== null && held.failedAt !== member;
  held.failedAt = member;
  const attempts = countedAttempts(held);
  if (held.failedElsewhere || other === 'nowhere') return attempts >= maxDeliver;
  return other === 'elsewhere' && attempts >= maxDeliver * ELSEWHERE_FACTOR;
}

/**
 * Whether the next delivery is the last one, and every failure so far was of one member: another member should get it.
 */
export function needsAnother<C extends Loaded>(held: Held<C>, maxDeliver: number): boolean {
  return !held.failedElsewhere && countedAttempts(held) + 1 >= maxDeliver;
}
