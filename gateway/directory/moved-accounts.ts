import type { Account, Directory } from './directory.ts';

/** Larger directories are not compared: that would take long in one turn of the event loop. */
const MOST_COMPARED = 20_000;
const MOST_NAMED = 50;

/**
 * Accounts that are in one of two directories alone, or below another account; null where that is not known. A directory that was
 * changed in place says it itself: the former one is not there any more. Pure.
 */
export function movedAccounts(former: Directory, current: Directory): readonly string[] | null {
  if (former.accounts === current.accounts) return atMost(current.moved ?? null);
  if (former.accounts.size + current.accounts.size > MOST_COMPARED) return null;
  const gone = [...former.accounts.keys()].filter((id) => !current.accounts.has(id));
  const others = [...current.accounts.values()].filter((account) => isElsewhere(former, account)).map(({ id }) => id);
  return atMost([...gone, ...others]);
}

function isElsewhere({ accounts }: Directory, { id, parent }: Account): boolean {
  const before = accounts.get(id);
  return before === undefined || before.parent?.id !== parent?.id;
}

function atMost(ids: readonly string[] | null): readonly string[] | null {
  return ids === null || ids.length > MOST_NAMED ? null : ids;
}
