import type { Grant } from '../auth/grant.ts';
import { isWithin, type Directory } from '../directory/directory.ts';
import { offersAccount } from '../fanout/offer.ts';
import type { Scope } from '../subscription/scope.ts';
import type { Wanted } from './snapshot.ts';

/** A snapshot without one of these events would show what a grant hides: that a leg exists, is answered, has ended. */
const NEEDED = ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY'] as const;

/** Whether both the grant and the resource include events of a name. Pure. */
export function givenEvents(grant: Grant, { filters }: Scope): (name: string) => boolean {
  return (name) =>
    (grant.events === null || grant.events.includes(name)) &&
    (filters.events.length === 0 || filters.events.includes(name)) &&
    !filters.excludeEvents.includes(name);
}

/** The needed events that the grant or the resource excludes; empty when none. Pure. */
export function missingEvents(grant: Grant, scope: Scope): readonly string[] {
  const isGiven = givenEvents(grant, scope);
  return NEEDED.filter((name) => !isGiven(name));
}

/** With more accounts than this, the accounts of the table are filtered instead. */
const FEW = 200;

/** The accounts whose legs a grant shows, by the present tree and resource (I5). Pure. */
export function wantedBy(grant: Grant, directory: Directory, scope: Scope): Wanted {
  const listed = grant.accounts === null ? null : new Set(grant.accounts);
  const includes = (id: string) => {
    const account = directory.accounts.get(id);
    return (
      account !== undefined &&
      isWithin(account, grant.account) &&
      (listed === null || listed.has(id)) &&
      offersAccount(scope, account)
    );
  };
  const few = listed === null ? subtree(directory, grant.account) : [...listed].slice(0, FEW + 1);
  return { accounts: few.length > FEW ? null : few.filter(includes), includes };
}

/** An account and its descendants, as long as there are few. */
function subtree(directory: Directory, root: string): string[] {
  const found = [root];
  for (let at = 0; at < found.length && found.length <= FEW; at += 1) {
    for (const { id } of directory.childrenOf(found[at] ?? '')) {
      if (found.length > FEW) break;
      found.push(id);
    }
  }
  return found;
}
