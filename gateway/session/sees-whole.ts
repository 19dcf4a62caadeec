import { isWithin, type Directory } from '../directory/directory.ts';
import type { Grant } from '../auth/grant.ts';
import type { Scope } from '../subscription/scope.ts';

/**
 * Whether a grant shows every account whose events the log may contain. Pure. False where other resources also use the
 * log, or where the resource offers only a part of its account tree.
 */
export function seesWhole(
  grant: Grant,
  { directory, scope, isShared }: { directory: Directory; scope: Scope; isShared: boolean },
): boolean {
  const { account, filters } = scope;
  if (isShared || grant.accounts !== null || filters.accounts.length > 0 || !account.includeDescendants) return false;
  const root = directory.accounts.get(account.id);
  return root !== undefined && isWithin(root, grant.account);
}
