import type { Account, Directory, User } from './directory.ts';
import type { Fault } from './fault.ts';
import { foldDomain, foldName } from './fold.ts';
import { costOf } from './hash-cost.ts';
import type { AccountEntry, UserEntry } from './read-entries.ts';

const NAMED_IN_CYCLE = 10;

/**
 * Builds the snapshot and reports every fault between entries. Only Maps hold what the file names, so that `__proto__`
 * is an id like any other. No recursion: a chain of 100,000 accounts does not overflow the stack.
 */
export function buildDirectory(
  accountEntries: readonly AccountEntry[],
  userEntries: readonly UserEntry[],
  faults: Fault[],
): IndexedDirectory {
  const entries = new Map<string, AccountEntry>();
  for (const entry of accountEntries) {
    const other = entries.get(entry.id);
    if (other === undefined) entries.set(entry.id, entry);
    else faults.push({ where: `${entry.where}.id`, message: `${entry.id} is also the id of ${other.where}` });
  }
  const accounts = linkAccounts(entries, faults);
  const { domains, ambiguousNames } = indexDomains(accountEntries, accounts, faults);
  const users = indexUsers(userEntries, accounts, faults);
  const hashCosts = [...new Set([...users.values()].map(({ passwordHash }) => costOf(passwordHash)))].toSorted();
  return directoryOf({ accounts, domains, users, hashCosts, ambiguousNames });
}

/** What a snapshot consists of. */
export interface DirectoryIndex {
  /** Parents before their children. */
  readonly accounts: ReadonlyMap<string, Account>;
  /** By the folded domain. */
  readonly domains: ReadonlyMap<string, Account>;
  /** By `userKey`. */
  readonly users: ReadonlyMap<string, User>;
  readonly hashCosts: readonly string[];
  readonly ambiguousNames: readonly string[];
}

/** A built snapshot, with the index that it was made of. */
export type IndexedDirectory = Directory & { readonly index: DirectoryIndex };

export function directoryOf(index: DirectoryIndex): IndexedDirectory {
  const { accounts, domains, users, hashCosts, ambiguousNames } = index;
  return {
    accounts,
    hashCosts,
    ambiguousNames,
    accountByDomain: (domain) => domains.get(foldDomain(domain)),
    userOf: (account, username) => users.get(userKey(account.id, username)),
    index,
  };
}

/** Creates parents before children: walks up to the first ancestor that exists, then creates the path downwards. */
function linkAccounts(entries: ReadonlyMap<string, AccountEntry>, faults: Fault[]): Map<string, Account> {
  const accounts = new Map<string, Account>();
  for (const start of entries.values()) {
    const path: AccountEntry[] = [];
    const onPath = new Set<string>();
    let entry: AccountEntry | undefined = start;
    while (entry !== undefined && !accounts.has(entry.id)) {
      if (onPath.has(entry.id)) {
        reportCycle(path, entry.id, faults);
        break;
      }
      path.push(entry);
      onPath.add(entry.id);
      if (entry.parent === null) break;
      const parent = entries.get(entry.parent);
      if (parent === undefined) {
        faults.push({ where: `${entry.where}.parent`, message: `${entry.parent} is not the id of an account` });
      }
      entry = parent;
    }
    for (const below of path.toReversed()) {
      const parent = below.parent === null ? undefined : accounts.get(below.parent);
      accounts.set(below.id, accountOf(below, parent ?? null));
    }
  }
  return accounts;
}

function accountOf(entry: AccountEntry, parent: Account | null): Account {
  const { id, name, realm, enabled } = entry;
  return { id, name, realm, parent, enabled, depth: parent === null ? 0 : parent.depth + 1 };
}

function reportCycle(path: readonly AccountEntry[], id: string, faults: Fault[]): void {
  const members = path.slice(path.findIndex((entry) => entry.id === id));
  const named = members.slice(0, NAMED_IN_CYCLE).map((entry) => entry.id);
  const rest = members.length > NAMED_IN_CYCLE ? ' -> ...' : '';
  const where = `${members[0]?.where ?? 'accounts'}.parent`;
  faults.push({ where, message: `is a cycle: ${named.join(' -> ')}${rest} -> ${id}` });
}

/**
 * A login's `domain` is a realm or a name. Realms are unique. A name that another account has as its name or realm
 * leads to no account: a login could mean either, and a tenant could take the name of another one.
 */
function indexDomains(
  entries: readonly AccountEntry[],
  accounts: ReadonlyMap<string, Account>,
  faults: Fault[],
): { readonly domains: Map<string, Account>; readonly ambiguousNames: readonly string[] } {
  const domains = indexRealms(entries, accounts, faults);
  const named = new Map<string, Account>();
  const ambiguous = new Map<string, string>();
  for (const { id, name } of entries) {
    const account = accounts.get(id);
    const domain = foldDomain(name);
    if (domain === '' || account === undefined) continue;
    const other = domains.get(domain) ?? named.get(domain);
    if (other === undefined) named.set(domain, account);
    else if (other !== account) ambiguous.set(domain, name);
  }
  for (const [domain, account] of named) if (!ambiguous.has(domain)) domains.set(domain, account);
  return { domains, ambiguousNames: [...ambiguous.values()] };
}

function indexRealms(
  entries: readonly AccountEntry[],
  accounts: ReadonlyMap<string, Account>,
  faults: Fault[],
): Map<string, Account> {
  const owners = new Map<string, AccountEntry>();
  const realms = new Map<string, Account>();
  for (const entry of entries) {
    const account = accounts.get(entry.id);
    const realm = foldDomain(entry.realm);
    if (realm === '' || account === undefined) continue;
    const owner = owners.get(realm);
    if (owner === undefined) {
      owners.set(realm, entry);
      realms.set(realm, account);
    } else if (owner.id !== entry.id) {
      const message = `${entry.realm} is also the realm of ${owner.where}: realms are unique`;
      faults.push({ where: `${entry.where}.realm`, message });
    }
  }
  return realms;
}

function indexUsers(
  entries: readonly UserEntry[],
  accounts: ReadonlyMap<string, Account>,
  faults: Fault[],
): Map<string, User> {
  const users = new Map<string, User>();
  const owners = new Map<string, string>();
  for (const { where, username, account: id, passwordHash, enabled } of entries) {
    const account = accounts.get(id);
    if (account === undefined) {
      faults.push({ where: `${where}.account`, message: `${id} is not the id of an account` });
      continue;
    }
    const key = userKey(id, username);
    const owner = owners.get(key);
    if (owner !== undefined) {
      faults.push({ where: `${where}.username`, message: `${username} is also a user of this account in ${owner}` });
      continue;
    }
    owners.set(key, where);
    users.set(key, { username, account, passwordHash, enabled });
  }
  return users;
}

/** Ids hold no slash, so no two users share a key. */
function userKey(account: string, username: string): string {
  return `${account}/${foldName(username)}`;
}
