import type { RevokedList } from './revocation.ts';

/** Most subjects: every replica keeps each in memory. */
export const MOST_REVOCATIONS = 20_000;

/** State of the store at the last read: an unchanged store is not read again. */
export interface Seen {
  readonly count: number;
  readonly newest: number;
}

/** Where the replicas of a resource store revocations. Every method rejects with a RevocationsUnavailable. */
export interface RevocationStore {
  /** The mark of the revocation: above every mark in the store and above `known`. Null: there is no room left. */
  revoke(subject: string, known: number): Promise<number | null>;
  /** The whole list; null when nothing has changed since `seen`. */
  read(seen: Seen | null): Promise<{ readonly list: RevokedList; readonly seen: Seen } | null>;
  /** Writes back entries that the store has lost and a replica still has. */
  restore(list: RevokedList): Promise<void>;
}

export class RevocationsUnavailable extends Error {
  override readonly name = 'RevocationsUnavailable';
  readonly code: string;
  constructor(code: string) {
    super(`revocations cannot be stored or read now: ${code}`);
    this.code = code;
  }
}
