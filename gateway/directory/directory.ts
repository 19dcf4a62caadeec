import type { Live } from '../../runtime/lifecycle/live.ts';

/**
 * An account in its present state: a change of the directory may modify it between two turns of the event loop, and
 * notifies a listener of the live directory in the same turn.
 */
export interface Account {
  readonly id: string;
  readonly name: string;
  readonly realm: string;
  readonly parent: Account | null;
  /** False, here or in any ancestor, refuses logins; the account's events still reach its ancestors. */
  readonly enabled: boolean;
}

export interface User {
  readonly username: string;
  readonly account: Account;
  readonly passwordHash: string;
  readonly enabled: boolean;
  /** A profile of `spec.privacy` for this user besides the default; null: none. */
  readonly privacy: string | null;
}

/** Accounts and users. Each change makes a new directory; accounts that stay are the same objects in it. */
export interface Directory {
  readonly accounts: ReadonlyMap<string, Account>;
  /** In no particular order; the keys belong to the index. */
  readonly users: ReadonlyMap<string, User>;
  /** Costs of the users' password hashes, each once, as `m=19456,t=2,p=1`. */
  readonly hashCosts: readonly string[];
  /** Names of several accounts, or names that are another account's realm: no login finds an account by them. */
  readonly ambiguousNames: readonly string[];
  /** By account name or realm as `foldDomain` compares them; undefined when there is none. */
  accountByDomain(domain: string): Account | undefined;
  /** A user of exactly this account, by a name as `foldName` compares it. */
  userOf(account: Account, username: string): User | undefined;
  /** The accounts directly below this one. */
  childrenOf(id: string): ReadonlySet<Account>;
  /**
   * After a change in place: the accounts that it has added, removed or moved. Absent when the whole directory was read
   * again.
   */
  readonly moved?: readonly string[];
}

/** Whether `account` is `ancestor` or below it; O(depth). */
export function isWithin(account: Account, ancestor: string): boolean {
  for (let current: Account | null = account; current !== null; current = current.parent) {
    if (current.id === ancestor) return true;
  }
  return false;
}

/** False when the account or any of its ancestors is disabled. */
export function isActive(account: Account): boolean {
  for (let current: Account | null = account; current !== null; current = current.parent) {
    if (!current.enabled) return false;
  }
  return true;
}

/** The directory in force; each change is a new one. */
export type LiveDirectory = Live<Directory>;
