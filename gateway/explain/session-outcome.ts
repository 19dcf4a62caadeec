import { CALL_END_CORRECTED } from '../../protocol/catalogue.ts';
import { isWithin, type Account } from '../directory/directory.ts';
import type { NotedGrant, PassReason } from '../journal/entry.ts';
import { holds, isBetween, type Place, type Segment } from '../journal/history.ts';
import type { SessionLook } from './look.ts';

/** What a session did at a place of the log, whatever its filter. */
export type Passage =
  /** It passed the place under this grant and filter. */
  | { readonly kind: 'in'; readonly segment: Segment }
  | { readonly kind: 'passed'; readonly reason: PassReason; readonly segment: Segment | null }
  /** It began behind the place. */
  | { readonly kind: 'began_later' }
  /** It had ended before it. */
  | { readonly kind: 'ended_before' }
  /** It is open and has not come so far. */
  | { readonly kind: 'not_yet'; readonly segment: Segment }
  | { readonly kind: 'unknown' };

/** Where a session was when an entry passed. Pure. */
export function passageOf({ history, standing }: SessionLook, place: Place): Passage {
  const { segments, passed, closed, openedAt } = history;
  const over = passed.find(({ from, to }) => isPassedOver(place, from, to));
  for (const segment of segments) {
    if (!isBetween(place, segment.from, segment.to)) continue;
    if (segment.to !== null) return { kind: 'in', segment };
    // It was closed where nobody noted, or is open.
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

/** Places of an older epoch were passed over by a jump into another one. */
function isPassedOver(place: Place, from: Segment['from'], to: Segment['from']): boolean {
  if (from.epoch === to.epoch) return isBetween(place, from, to);
  return isBetween(place, from, null) || (to.epoch === place.epoch && holds(to, place));
}

/** Whether a grant lets an account's events through, by the tree. Null where the grant is not known. Pure. */
export function isWithinLogin(grant: NotedGrant | null, account: Account): boolean | null {
  return grant === null ? null : isWithin(account, grant.account);
}

/** Null where the grant is not known. Pure. */
export function grantsAccount(grant: NotedGrant | null, account: string): boolean | null {
  if (grant === null) return null;
  return grant.accounts === null || grant.accounts.includes(account);
}

/** Null where the grant is not known. The correction of an end is for those alone who ask for it. Pure. */
export function grantsEvent(grant: NotedGrant | null, name: string): boolean | null {
  if (grant === null) return null;
  return grant.events === null ? name !== CALL_END_CORRECTED : grant.events.includes(name);
}

/** All of them: false when one is, null when one is not known and none is false. Pure. */
export function every(...values: readonly (boolean | null)[]): boolean | null {
  if (values.includes(false)) return false;
  return values.includes(null) ? null : true;
}
