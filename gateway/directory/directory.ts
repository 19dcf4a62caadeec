import type { Live } from '../../runtime/lifecycle/live.ts';

/** Accounts and users as one immutable snapshot; a change makes a new one. */
export interface Account {
  readonly id: string;
  readonly name: string;
  readonly realm: string;
  readonly parent: Account | null;
  /** False, here or in any ancestor, refuses logins; the account's events still reach its ancestors. */
  readonly enabled: boolean;
  /** 0 for a root. */
  readonly depth: number;
}

export interface User {
  readonly username: string;
  readonly account: Account;
  readonly passwordHash: string;
  readonly enabled: boolean;
}

export interface Directory {
  readonly accounts: ReadonlyMap<string, Account>;
  /** Costs of the users' password hashes, each once, as `m=19456,t=2,p=1`. */
  readonly hashCosts: readonly string[];
  /** Names that several accounts have, or that are another's realm: no login finds an account by them. */
  readonly ambiguousNames: readonly string[];
  /** By account name or realm as `foldDomain` compares them; undefined when there is none. */
  accountByDomain(domain: string): Account | undefined;
  /** A user of exactly this account, by a name as `foldName` compares it. */
  userOf(account: Account, username: string): User | undefined;
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

/** The directory in force; each change is a new snapshot. */
export type LiveDirectory = Live<Directory>;
