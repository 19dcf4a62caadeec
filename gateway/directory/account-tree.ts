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
): Directory {
  const entries = new Map<string, AccountEntry>();
  for (const entry of accountEntries) {
    const other = entries.get(entry.id);
    if (other === undefined) entries.set(entry.id, entry);
    else faults.push({ where: `${entry.where}.id`, message: `${entry.id} is also the id of ${other.where}` });
  }
  const accounts = linkAccounts(entries, faults);
  return snapshot({
    accounts,
    domains: indexDomains(accountEntries, accounts, faults),
    users: indexUsers(userEntries, accounts, faults),
  });
}

function snapshot(index: {
  accounts: ReadonlyMap<string, Account>;
  domains: ReadonlyMap<string, Account>;
  users: ReadonlyMap<string, User>;
}): Directory {
  return {
    accounts: index.accounts,
    hashCosts: [...new Set([...index.users.values()].map(({ passwordHash }) => costOf(passwordHash)))].toSorted(),
    accountByDomain: (domain) => index.domains.get(foldDomain(domain)),
    userOf: (account, username) => index.users.get(userKey(account.id, username)),
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

/** A login's `domain` is a name or a realm: no two accounts may share one, across both fields. */
function indexDomains(
  entries: readonly AccountEntry[],
  accounts: ReadonlyMap<string, Account>,
  faults: Fault[],
): Map<string, Account> {
  const owners = new Map<string, AccountEntry>();
  const domains = new Map<string, Account>();
  for (const entry of entries) {
    const account = accounts.get(entry.id);
    for (const field of ['realm', 'name'] as const) {
      const domain = foldDomain(entry[field]);
      if (domain === '' || account === undefined) continue;
      const owner = owners.get(domain);
      if (owner === undefined) {
        owners.set(domain, entry);
        domains.set(domain, account);
      } else if (owner.id !== entry.id) {
        const message = `${entry[field]} is also the name or realm of ${owner.where}: a login could mean either`;
        faults.push({ where: `${entry.where}.${field}`, message });
      }
    }
  }
  return domains;
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
