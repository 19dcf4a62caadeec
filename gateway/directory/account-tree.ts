import { directoryOf, DirectoryIndex, userKey, type IndexedDirectory, type TreeAccount } from './directory-index.ts';
import type { Fault } from './fault.ts';
import { foldDomain } from './fold.ts';
import type { AccountEntry, UserEntry } from './read-entries.ts';

const NAMED_IN_CYCLE = 10;

/**
 * Builds the directory and reports every fault between entries. Only Maps hold what the file names, so that `__proto__`
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
  const index = new DirectoryIndex();
  for (const account of linkAccounts(entries, faults)) index.addAccount(account);
  indexRealms(accountEntries, index, faults);
  for (const { id, name } of accountEntries) {
    const account = index.accounts.get(id);
    if (account !== undefined) index.addName(foldDomain(name), account);
  }
  indexUsers(userEntries, index, faults);
  return directoryOf(index);
}

/** Creates parents before children: walks up to the first ancestor that exists, then creates the path downwards. */
function linkAccounts(entries: ReadonlyMap<string, AccountEntry>, faults: Fault[]): Iterable<TreeAccount> {
  const accounts = new Map<string, TreeAccount>();
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
  return accounts.values();
}

function accountOf({ id, name, realm, enabled }: AccountEntry, parent: TreeAccount | null): TreeAccount {
  return { id, name, realm, parent, enabled };
}

function reportCycle(path: readonly AccountEntry[], id: string, faults: Fault[]): void {
  const members = path.slice(path.findIndex((entry) => entry.id === id));
  const named = members.slice(0, NAMED_IN_CYCLE).map((entry) => entry.id);
  const rest = members.length > NAMED_IN_CYCLE ? ' -> ...' : '';
  const where = `${members[0]?.where ?? 'accounts'}.parent`;
  faults.push({ where, message: `is a cycle: ${named.join(' -> ')}${rest} -> ${id}` });
}

/** Realms are unique. */
function indexRealms(entries: readonly AccountEntry[], index: DirectoryIndex, faults: Fault[]): void {
  const owners = new Map<string, AccountEntry>();
  for (const entry of entries) {
    const account = index.accounts.get(entry.id);
    const realm = foldDomain(entry.realm);
    if (realm === '' || account === undefined) continue;
    const owner = owners.get(realm);
    if (owner === undefined) {
      owners.set(realm, entry);
      index.realms.set(realm, account);
    } else if (owner.id !== entry.id) {
      const message = `${entry.realm} is also the realm of ${owner.where}: realms are unique`;
      faults.push({ where: `${entry.where}.realm`, message });
    }
  }
}

function indexUsers(entries: readonly UserEntry[], index: DirectoryIndex, faults: Fault[]): void {
  const owners = new Map<string, string>();
  for (const { where, username, account: id, passwordHash, enabled, privacy } of entries) {
    const account = index.accounts.get(id);
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
    index.setUser(key, { username, account, passwordHash, enabled, privacy });
  }
}
