import {
  directoryOf,
  userKey,
  type DirectoryIndex,
  type IndexedDirectory,
  type TreeAccount,
} from './directory-index.ts';
import { foldDomain } from './fold.ts';
import type { AccountEntry, UserEntry } from './read-entries.ts';

/** Changes of entries: added or changed ones, and the keys of removed ones. */
export interface DirectoryChanges {
  readonly accounts: readonly AccountEntry[];
  readonly users: readonly UserEntry[];
  readonly removedAccounts: readonly string[];
  readonly removedUsers: readonly { readonly account: string; readonly username: string }[];
}

/** Changes that are valid for the directory in force. */
export interface PlannedChange {
  /** Number of accounts after the changes. */
  readonly accounts: number;
  /** Changes the index synchronously. The previous directory must not be used afterwards. */
  apply(): IndexedDirectory;
}

/** Upper bound of steps up the tree: a long chain of accounts must not block the event loop. */
const MOST_STEPS = 100_000;

interface Wanted {
  readonly accounts: ReadonlyMap<string, AccountEntry>;
  readonly gone: ReadonlySet<string>;
  readonly users: ReadonlyMap<string, UserEntry>;
  readonly goneUsers: ReadonlySet<string>;
}

/**
 * Judges changes by the same rules as a whole directory, at the cost of what they change. Null: they do not fit, or that
 * would take long to say; the whole directory then says what is wrong. Nothing has changed before `apply`.
 */
export function planChange({ index }: IndexedDirectory, changes: DirectoryChanges): PlannedChange | null {
  const wanted: Wanted = {
    accounts: new Map(changes.accounts.map((entry) => [entry.id, entry])),
    gone: new Set(changes.removedAccounts.filter((id) => index.accounts.has(id))),
    users: new Map(changes.users.map((entry) => [userKey(entry.account, entry.username), entry])),
    goneUsers: new Set(changes.removedUsers.map(({ account, username }) => userKey(account, username))),
  };
  const isOnce =
    wanted.accounts.size === changes.accounts.length &&
    wanted.users.size === changes.users.length &&
    changes.removedAccounts.every((id) => !wanted.accounts.has(id)) &&
    [...wanted.goneUsers].every((key) => !wanted.users.has(key));
  if (!isOnce || !isTree(index, wanted) || !hasOwnRealms(index, wanted) || !usersFit(index, wanted)) return null;
  const added = [...wanted.accounts.keys()].filter((id) => !index.accounts.has(id)).length;
  const accounts = index.accounts.size + added - wanted.gone.size;
  return accounts === 0 ? null : { accounts, apply: () => apply(index, wanted) };
}

/** Every parent is there, nobody is above itself, and nothing hangs below what goes. */
function isTree(index: DirectoryIndex, { accounts, gone }: Wanted): boolean {
  const parentOf = (id: string): string | null | undefined => {
    if (gone.has(id)) return undefined;
    const entry = accounts.get(id);
    if (entry !== undefined) return entry.parent;
    const account = index.accounts.get(id);
    return account === undefined ? undefined : (account.parent?.id ?? null);
  };
  let steps = 0;
  for (const id of accounts.keys()) {
    for (let at = parentOf(id); at !== null; at = parentOf(at)) {
      steps += 1;
      if (at === undefined || at === id || steps > MOST_STEPS) return false;
    }
  }
  for (const id of gone) {
    for (const child of index.childrenOf(id)) {
      steps += 1;
      if (steps > MOST_STEPS || (!gone.has(child.id) && !accounts.has(child.id))) return false;
    }
  }
  return true;
}

function hasOwnRealms(index: DirectoryIndex, { accounts, gone }: Wanted): boolean {
  const taken = new Set<string>();
  for (const { id, realm } of accounts.values()) {
    const folded = foldDomain(realm);
    const owner = index.realms.get(folded);
    const isFree = owner === undefined || owner.id === id || gone.has(owner.id) || accounts.has(owner.id);
    // An owner that is among the changes gives it up, or comes here too.
    if (!isFree || taken.has(folded)) return false;
    taken.add(folded);
  }
  return true;
}

/** Every user has an account, and no account that goes has users. */
function usersFit(index: DirectoryIndex, { accounts, gone, users, goneUsers }: Wanted): boolean {
  for (const { account } of users.values()) {
    if (gone.has(account) || (!accounts.has(account) && !index.accounts.has(account))) return false;
  }
  const left = new Map([...gone].map((id) => [id, index.usersOf(id)]));
  for (const key of goneUsers) {
    const account = index.users.get(key)?.account.id ?? '';
    const count = left.get(account);
    if (count !== undefined) left.set(account, count - 1);
  }
  return [...left.values()].every((count) => count === 0);
}

function apply(index: DirectoryIndex, { accounts, gone, users, goneUsers }: Wanted): IndexedDirectory {
  const moved = [...gone, ...[...accounts.values()].filter((entry) => isElsewhere(index, entry)).map(({ id }) => id)];
  for (const key of goneUsers) index.removeUser(key);
  const known = [...gone, ...accounts.keys()].flatMap((id) => index.accounts.get(id) ?? []);
  for (const account of known) forgetNames(index, account);
  for (const id of gone) {
    const account = index.accounts.get(id);
    if (account !== undefined) index.removeAccount(account);
  }
  const changed = [...accounts.values()].map((entry) => ({ entry, account: written(index, entry) }));
  for (const { entry, account } of changed) {
    index.move(account, entry.parent === null ? null : (index.accounts.get(entry.parent) ?? null));
  }
  for (const { account } of changed) index.realms.set(foldDomain(account.realm), account);
  for (const { account } of changed) {
    index.addName(foldDomain(account.name), account);
    // Another account may have this realm as its name.
    index.judgeName(foldDomain(account.realm));
  }
  for (const [key, { username, account: id, passwordHash, enabled, privacy }] of users) {
    const account = index.accounts.get(id);
    if (account !== undefined) index.setUser(key, { username, account, passwordHash, enabled, privacy });
  }
  return { ...directoryOf(index), moved };
}

function isElsewhere(index: DirectoryIndex, { id, parent }: AccountEntry): boolean {
  const known = index.accounts.get(id);
  return known === undefined || (known.parent?.id ?? null) !== parent;
}

function forgetNames(index: DirectoryIndex, account: TreeAccount): void {
  const realm = foldDomain(account.realm);
  if (index.realms.get(realm) === account) index.realms.delete(realm);
  index.removeName(foldDomain(account.name), account);
  index.judgeName(realm);
}

function written(index: DirectoryIndex, { id, name, realm, enabled }: AccountEntry): TreeAccount {
  const known = index.accounts.get(id);
  if (known !== undefined) return Object.assign(known, { name, realm, enabled });
  const account: TreeAccount = { id, name, realm, parent: null, enabled };
  index.addAccount(account);
  return account;
}
