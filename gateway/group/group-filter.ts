import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { Grant } from '../auth/grant.ts';
import type { Route } from '../fanout/route-index.ts';

/** Whether a group keeps an event that its connections may see. Null keeps everything. */
export type GroupFilter = ((route: Route) => boolean) | null;

/** Pure. Excluded events are acknowledged at once. */
export function groupFilter({ filters }: ConsumerGroup): GroupFilter {
  const only = filters.events.length === 0 ? null : new Set(filters.events);
  const never = new Set(filters.excludeEvents);
  const accounts = filters.accounts.length === 0 ? null : new Set(filters.accounts);
  if (only === null && never.size === 0 && accounts === null) return null;
  return ({ name, account }) =>
    (only === null || only.has(name)) &&
    !never.has(name) &&
    (accounts === null || (account !== null && accounts.has(account.id)));
}

/** Whether it would exclude every event: a stream is never silently empty. Pure. */
export function keepsNothingOf(grant: Grant, { filters }: ConsumerGroup): boolean {
  const { events, excludeEvents, accounts } = filters;
  const isKept = (name: string) => !excludeEvents.includes(name) && (events.length === 0 || events.includes(name));
  if (grant.events !== null && !grant.events.some(isKept)) return true;
  return grant.accounts !== null && accounts.length > 0 && !grant.accounts.some((id) => accounts.includes(id));
}
