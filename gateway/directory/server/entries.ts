/** An account, with the keys of the contract. */
export interface ServedAccount {
  readonly id: string;
  readonly name: string;
  readonly realm: string;
  readonly parent: string | null;
  readonly enabled: boolean;
}

/** A user with a hash of any kind; those of argon2id are in the snapshot. */
export interface ServedUser {
  readonly username: string;
  readonly account: string;
  readonly passwordHash: string;
  readonly enabled: boolean;
  /** Absent: no profile of its own. */
  readonly privacy?: string;
}

export interface ServedEntries {
  readonly accounts: readonly ServedAccount[];
  readonly users: readonly ServedUser[];
}
