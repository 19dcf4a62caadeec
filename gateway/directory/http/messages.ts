import type { SnapshotFormat } from './snapshot.ts';
import type { Fault } from '../fault.ts';

/** Message to the reader's thread. */
export type ToReader =
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  /** End of the bytes. A snapshot with the digest `known` is not read again. */
  | { readonly kind: 'end'; readonly format: SnapshotFormat; readonly known: string | null; readonly pack: boolean }
  | { readonly kind: 'next' };

/** Id, name, realm, parent, enabled. A parent comes before its children. */
export type AccountRow = readonly [string, string, string, string | null, boolean];
/** Folded realm or name, and an account that has it. */
type DomainRow = readonly [string, string];
/** Key, user name, account, hash, enabled, privacy. */
export type UserRow = readonly [string, string, string, string, boolean, string | null];

export type FromReader =
  | { readonly kind: 'same' }
  | { readonly kind: 'too_large'; readonly entries: number }
  | { readonly kind: 'faulty'; readonly faults: readonly Fault[]; readonly count: number }
  | {
      readonly kind: 'read';
      /** SHA-256 of the bytes, base64. */
      readonly digest: string;
      /** The bytes, compressed with gzip; null when they were not requested. */
      readonly packed: Uint8Array | null;
    }
  | { readonly kind: 'accounts'; readonly rows: readonly AccountRow[] }
  | { readonly kind: 'realms' | 'names'; readonly rows: readonly DomainRow[] }
  | { readonly kind: 'users'; readonly rows: readonly UserRow[] }
  | { readonly kind: 'done' };
