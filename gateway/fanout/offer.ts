import { judgeName } from '../../protocol/catalogue.ts';
import { isWithin, type Account } from '../directory/directory.ts';
import type { Scope } from '../subscription/scope.ts';
import type { Offer } from './route-index.ts';

/**
 * What a resource offers at all, independent of a login's grant: its account's tree, narrowed by its own filters. Names
 * that no source forwards are also excluded when they were written to the log by hand.
 */
export function createOffer({ account, filters }: Scope): Offer {
  const only = filters.events.length === 0 ? null : new Set(filters.events);
  const never = new Set(filters.excludeEvents);
  return (name, of) =>
    judgeName(name) === 'forward' &&
    (only === null || only.has(name)) &&
    !never.has(name) &&
    offersAccount({ account, filters }, of);
}

/** Whether any event of an account is offered, as far as the account decides it. */
export function offersAccount({ account, filters }: Scope, of: Account): boolean {
  if (filters.accounts.length > 0 && !filters.accounts.includes(of.id)) return false;
  return account.includeDescendants ? isWithin(of, account.id) : of.id === account.id;
}
