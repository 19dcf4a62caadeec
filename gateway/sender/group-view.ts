import { isServed } from '../auth/authorise.ts';
import { isActive, type Directory } from '../directory/directory.ts';
import { foldName } from '../directory/fold.ts';
import { createOffer } from '../fanout/offer.ts';
import { accepts, RouteIndex, wantedBy } from '../fanout/route-index.ts';
import { groupFilter } from '../group/group-filter.ts';
import type { Profiles } from '../privacy/profiles.ts';
import type { Scope } from '../subscription/scope.ts';
import type { SenderParts, SentGroup } from './sender.ts';

/** What decides which events a group has, and what is shown of them: each is read when it is needed. */
export interface ViewParts {
  readonly directory: () => Directory;
  readonly scope: () => Scope;
  readonly profiles: Pick<Profiles, 'of'>;
}

/** The view of a group for its sender. `user`: whose grant it has; absent: only the account decides. */
export function viewOf(
  group: SentGroup,
  user: string | undefined,
  { directory, scope, profiles }: ViewParts,
): Pick<SenderParts, 'grant' | 'keeps' | 'shown'> {
  const grant = { account: group.account, accounts: null, events: null };
  return {
    grant,
    keeps: () => keptBy({ group, grant }, directory(), scope()),
    shown: () => shownTo({ account: group.account, user }, { directory: directory(), scope: scope(), profiles }),
  };
}

/** What connections of the group would get, by the account tree as it is now. */
export function keptBy(
  { group, grant }: Pick<SenderParts, 'group' | 'grant'>,
  directory: Directory,
  scope: Scope,
): (metaLine: string) => boolean {
  const index = new RouteIndex(directory, createOffer(scope));
  const view = wantedBy(grant);
  const filter = groupFilter(group);
  return (metaLine) => {
    const route = index.match(metaLine);
    return accepts(view, route) && (filter?.(route) ?? true);
  };
}

/**
 * What is shown of the events, by the privacy profiles of the resource and the declared user. Null while nothing may be
 * sent: the account is inactive or not served, as for its logins, or the user is disabled or missing. Pure.
 */
function shownTo(
  { account: id, user: name }: { readonly account: string; readonly user: string | undefined },
  by: { readonly directory: Directory; readonly scope: Scope; readonly profiles: Pick<Profiles, 'of'> },
): ReturnType<SenderParts['shown']> {
  const account = by.directory.accounts.get(id);
  if (account === undefined || !isActive(account) || !isServed(account, by.scope)) return null;
  const user = name === undefined ? undefined : by.directory.userOf(account, foldName(name));
  if (name !== undefined && user?.enabled !== true) return null;
  const own = user?.privacy ?? null;
  const privacy = by.profiles.of(own === null ? [] : [own]);
  return privacy === undefined ? null : { privacy };
}
