import { CALL_END_CORRECTED } from '../../protocol/catalogue.ts';
import { isWithin, type Account } from '../directory/directory.ts';
import type { NotedGrant, PassReason } from '../journal/entry.ts';
import { holds, isBetween, type Place, type Segment } from '../journal/history.ts';
import type { SessionLook } from './look.ts';

/** The outcome of a session at a place of the log, whatever its filter. */
export type Passage =
  /** It passed the place under this grant and filter. */
  | { readonly kind: 'in'; readonly segment: Segment }
  | { readonly kind: 'passed'; readonly reason: PassReason; readonly segment: Segment | null }
  /** It began after the place. */
  | { readonly kind: 'began_later' }
  /** It had ended before it. */
  | { readonly kind: 'ended_before' }
  /** It is open and has not reached the place yet. */
  | { readonly kind: 'not_yet'; readonly segment: Segment }
  | { readonly kind: 'unknown' };

/** The state of a session when an entry passed. Pure. */
export function passageOf({ history, standing }: SessionLook, place: Place): Passage {
  const { segments, passed, closed, openedAt } = history;
  const over = passed.find(({ from, to }) => isPassedOver(place, from, to));
  for (const segment of segments) {
    if (!isBetween(place, segment.from, segment.to)) continue;
    if (segment.to !== null) return { kind: 'in', segment };
    // Its end was not recorded, or it is open.
    if (closed !== null || standing === null) {
      return atOpenEnd(history.reached !== null && holds(history.reached, place), segment);
    }
    if (holds(standing.to, place)) return { kind: 'in', segment };
    return standing.isExact ? { kind: 'not_yet', segment } : { kind: 'unknown' };
  }
  if (over !== undefined) return { kind: 'passed', reason: over.reason, segment: segments.at(-1) ?? null };
  const first = segments[0];
  if (first === undefined || openedAt === null) return { kind: 'unknown' };
  if (first.from.epoch === place.epoch && holds(first.from, place)) return { kind: 'began_later' };
  const end = segments.at(-1)?.to ?? null;
  if (end === null) return { kind: 'unknown' };
  return end.epoch === place.epoch || closed !== null ? { kind: 'ended_before' } : { kind: 'unknown' };
}

function atOpenEnd(isReached: boolean, segment: Segment): Passage {
  return isReached ? { kind: 'in', segment } : { kind: 'unknown' };
}

/** A jump into another epoch skipped places of an older one. */
function isPassedOver(place: Place, from: Segment['from'], to: Segment['from']): boolean {
  if (from.epoch === to.epoch) return isBetween(place, from, to);
  return isBetween(place, from, null) || (to.epoch === place.epoch && holds(to, place));
}

/** Whether a grant includes an account's events, by the tree. Null when the grant is unknown. Pure. */
export function isWithinLogin(grant: NotedGrant | null, account: Account): boolean | null {
  return grant === null ? null : isWithin(account, grant.account);
}

/** Null when the grant is unknown. Pure. */
export function grantsAccount(grant: NotedGrant | null, account: string): boolean | null {
  if (grant === null) return null;
  return grant.accounts === null || grant.accounts.includes(account);
}

/** Null when the grant is unknown. The correction of an end is only for clients that request it. Pure. */
export function grantsEvent(grant: NotedGrant | null, name: string): boolean | null {
  if (grant === null) return null;
  return grant.events === null ? name !== CALL_END_CORRECTED : grant.events.includes(name);
}

/** All of them: false when one is false, null when one is unknown and none is false. Pure. */
export function every(...values: readonly (boolean | null)[]): boolean | null {
  if (values.includes(false)) return false;
  return values.includes(null) ? null : true;
}
