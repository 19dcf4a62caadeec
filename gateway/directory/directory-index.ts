import type { Account, Directory, User } from './directory.ts';
import { foldDomain, foldName } from './fold.ts';
import { costOf } from './hash-cost.ts';

/** An account as the index holds it: a change of the directory changes it in place, between two turns of the event loop. */
export interface TreeAccount extends Account {
  name: string;
  realm: string;
  parent: TreeAccount | null;
  enabled: boolean;
}

/** A directory and the index behind it. */
export type IndexedDirectory = Directory & { readonly index: DirectoryIndex };

/**
 * What a directory consists of. A change costs what it changes, whatever the number of accounts. Only Maps hold ids and
 * names that a platform has given.
 */
export class DirectoryIndex {
  readonly accounts = new Map<string, TreeAccount>();
  /** By the folded realm. */
  readonly realms = new Map<string, TreeAccount>();
  /** By the folded name: the accounts that have it. */
  readonly #names = new Map<string, TreeAccount | readonly TreeAccount[]>();
  /** Ambiguous names, in the spelling of one of the accounts; by the folded name. No login finds an account by them. */
  readonly #ambiguous = new Map<string, string>();
  readonly #children = new Map<string, Set<TreeAccount>>();
  /** By `userKey`. */
  readonly users = new Map<string, User>();
  readonly #usersOf = new Map<string, number>();
  readonly #costs = new Map<string, number>();

  get hashCosts(): readonly string[] {
    return [...this.#costs.keys()].toSorted();
  }

  get ambiguousNames(): readonly string[] {
    return [...this.#ambiguous.values()];
  }

  childrenOf(id: string): ReadonlySet<TreeAccount> {
    return this.#children.get(id) ?? NOBODY;
  }

  /** Number of users of exactly this account. */
  usersOf(id: string): number {
    return this.#usersOf.get(id) ?? 0;
  }

  /** By realm or name, folded. */
  accountByDomain(domain: string): TreeAccount | undefined {
    const named = this.#names.get(domain);
    return this.realms.get(domain) ?? (named !== undefined && !isList(named) ? named : undefined);
  }

  /** Adds the account without its name and realm. */
  addAccount(account: TreeAccount): void {
    this.accounts.set(account.id, account);
    this.#hang(account);
  }

  removeAccount(account: TreeAccount): void {
    this.#unhang(account);
    this.accounts.delete(account.id);
  }

  move(account: TreeAccount, parent: TreeAccount | null): void {
    if (account.parent === parent) return;
    this.#unhang(account);
    account.parent = parent;
    this.#hang(account);
  }

  /** `name` is folded. The realms in the index decide whether it is ambiguous, see `judgeName`. */
  addName(name: string, account: TreeAccount): void {
    if (name === '') return;
    const named = this.#names.get(name);
    this.#names.set(name, named === undefined ? account : [...listOf(named), account]);
    this.judgeName(name);
  }

  removeName(name: string, account: TreeAccount): void {
    const rest = listOf(this.#names.get(name) ?? []).filter((one) => one !== account);
    const [first] = rest;
    if (first === undefined) this.#names.delete(name);
    else this.#names.set(name, rest.length === 1 ? first : rest);
    this.judgeName(name);
  }

  /**
   * A login's `domain` is a realm or a name. A name that another account has as its name or realm leads to no account: a
   * login could mean either, and a tenant could take the name of another one.
   */
  judgeName(name: string): void {
    const owner = this.realms.get(name);
    const others = listOf(this.#names.get(name) ?? []).filter((account) => account !== owner);
    const last = others.at(-1);
    if (last !== undefined && others.length > (owner === undefined ? 1 : 0)) this.#ambiguous.set(name, last.name);
    else this.#ambiguous.delete(name);
  }

  setUser(key: string, user: User): void {
    this.removeUser(key);
    this.users.set(key, user);
    count(this.#usersOf, user.account.id, 1);
    count(this.#costs, costOf(user.passwordHash), 1);
  }

  removeUser(key: string): void {
    const user = this.users.get(key);
    if (user === undefined) return;
    this.users.delete(key);
    count(this.#usersOf, user.account.id, -1);
    count(this.#costs, costOf(user.passwordHash), -1);
  }

  #hang(account: TreeAccount): void {
    if (account.parent === null) return;
    const siblings = this.#children.get(account.parent.id);
    if (siblings === undefined) this.#children.set(account.parent.id, new Set([account]));
    else siblings.add(account);
  }

  #unhang(account: TreeAccount): void {
    if (account.parent === null) return;
    const siblings = this.#children.get(account.parent.id);
    siblings?.delete(account);
    if (siblings?.size === 0) this.#children.delete(account.parent.id);
  }
}

const NOBODY: ReadonlySet<TreeAccount> = new Set();

/** The index as a directory. Each change of the index needs a new one. */
export function directoryOf(index: DirectoryIndex): IndexedDirectory {
  return {
    accounts: index.accounts,
    users: index.users,
    hashCosts: index.hashCosts,
    ambiguousNames: index.ambiguousNames,
    accountByDomain: (domain) => index.accountByDomain(foldDomain(domain)),
    userOf: (account, username) => index.users.get(userKey(account.id, username)),
    childrenOf: (id) => index.childrenOf(id),
    index,
  };
}

/** Ids hold no slash, so no two users share a key. */
export function userKey(account: string, username: string): string {
  return `${account}/${foldName(username)}`;
}

function isList(named: TreeAccount | readonly TreeAccount[]): named is readonly TreeAccount[] {
  return Array.isArray(named);
}

function listOf(named: TreeAccount | readonly TreeAccount[]): readonly TreeAccount[] {
  return isList(named) ? named : [named];
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const next = (counts.get(key) ?? 0) + by;
  if (next === 0) counts.delete(key);
  else counts.set(key, next);
}
