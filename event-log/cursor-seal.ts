import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  createSecretKey,
  randomBytes,
  type KeyObject,
} from 'node:crypto';
import type { Position } from '../protocol/position.ts';

import { compareIds } from '../protocol/position.ts';
import { positionBytes, positionOfBytes } from './cursor-bytes.ts';
import { decodeUnsealed } from './unsealed-cursor.ts';

export type OpenedCursor =
  | { readonly kind: 'position'; readonly position: Position }
  /** Well-formed, but its key is unknown: it belongs to a lost log, or to another resource. */
  | { readonly kind: 'foreign' }
  /** Not a cursor of a log with this many partitions, or its bearer changed it. */
  | { readonly kind: 'invalid' };

/** Cursors as clients see them: opaque, URL-safe, about 90 characters for four partitions. */
export interface Cursors {
  seal(position: Position): string;
  open(text: string, partitions: number): OpenedCursor;
  /** Pseudonym of a name that clients must not see: the same for the life of the log, different for each resource. */
  pseudonym(name: string): string;
}

const FORMAT = 2;
const KEY_BYTES = 32;
const KEY_ID_BYTES = 3;
const HEAD_BYTES = 1 + KEY_ID_BYTES;
const NONCE_BYTES = 12;
/** Prefix of the nonce: random, and drawn again when the counter after it is used up. */
const PREFIX_BYTES = 8;
const MOST_SEALS = 2 ** 32;
const TAG_BYTES = 12;
const LEAST_BYTES = HEAD_BYTES + NONCE_BYTES + TAG_BYTES;
const MAX_CURSOR_LENGTH = 4_096;
const PSEUDONYM_LENGTH = 16;
const ALGORITHM = 'aes-256-gcm';
const BASE64URL = /^[A-Za-z0-9_-]+$/;
/**
 * Former keys that still open cursors: a key changes only when two replicas created one at the same moment, or the log
 * was lost.
 */
const MOST_KEYS = 4;
/** For this time after the key was created, replicas of a version without sealing may run. */
const UNSEALED_FOR_MS = 24 * 60 * 60 * 1_000;

interface Key {
  readonly record: string;
  readonly secret: KeyObject;
  /** Format and key id: in the clear, and authenticated. */
  readonly head: Buffer;
  /** Unsealed cursors up to here are accepted; 0 for none. Unix milliseconds. */
  readonly unsealedUntil: number;
}

/**
 * Seals positions with AES-256-GCM, because they show when any account of the log last had an event. All replicas of a
 * resource share one key, which is stored beside the log and lives as long as the log: `learn` takes the stored key.
 */
export class CursorSeal implements Cursors {
  /** The one that seals comes first. */
  #keys: readonly Key[];
  readonly #nonce = Buffer.alloc(NONCE_BYTES);
  #seals = MOST_SEALS;

  constructor(record: string = newKeyRecord()) {
    const key = parseKey(record);
    if (key === null) throw new TypeError('The record of the cursor key is malformed.');
    this.#keys = [key];
  }

  /** The key in force as it is stored beside the log. Secret. */
  get record(): string {
    return this.#keys[0]?.record ?? '';
  }

  /** Seals with this key from now on. Ignores a key that cannot be read, because a later version wrote it. */
  learn(record: string): void {
    if (record === this.record) return;
    const key = parseKey(record);
    if (key === null) return;
    this.#keys = [key, ...this.#keys.filter((one) => one.record !== record)].slice(0, MOST_KEYS);
  }

  seal(position: Position): string {
    const [key] = this.#keys;
    if (key === undefined) throw new Error('There is no key to seal cursors with.');
    const nonce = this.#nextNonce();
    const cipher = createCipheriv(ALGORITHM, key.secret, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(key.head);
    const sealed = cipher.update(positionBytes(position));
    cipher.final();
    return Buffer.concat([key.head, nonce, sealed, cipher.getAuthTag()]).toString('base64url');
  }

  open(text: string, partitions: number): OpenedCursor {
    if (text.length > MAX_CURSOR_LENGTH || !BASE64URL.test(text)) return INVALID;
    const bytes = Buffer.from(text, 'base64url');
    // Another text with the same bytes was not issued as a cursor.
    if (bytes.toString('base64url') !== text) return INVALID;
    if (bytes[0] !== FORMAT || bytes.length <= LEAST_BYTES) return this.#openUnsealed(text, partitions);
    const key = this.#keys.find(({ head }) => bytes.subarray(0, HEAD_BYTES).equals(head));
    if (key === undefined) return FOREIGN;
    const plain = unsealed(bytes, key);
    const position = plain && positionOfBytes(plain, partitions);
    return position ? { kind: 'position', position } : INVALID;
  }

  pseudonym(name: string): string {
    const [key] = this.#keys;
    if (key === undefined) throw new Error('There is no key to make pseudonyms with.');
    return createHmac('sha256', key.secret).update(`pseudonym\n${name}`).digest('base64url').slice(0, PSEUDONYM_LENGTH);
  }

  /**
   * Cursors of versions before 0.2 remain valid, but only for positions before the upgrade: otherwise they could be
   * used to probe.
   */
  #openUnsealed(text: string, partitions: number): OpenedCursor {
    const position = decodeUnsealed(text, partitions);
    if (position === null) return INVALID;
    const until = `${Math.max(...this.#keys.map((key) => key.unsealedUntil))}-0`;
    return position.ids.some((id) => compareIds(id, until) > 0) ? FOREIGN : { kind: 'position', position };
  }

  /** Never repeated for one key: no other process draws the same prefix, and this one counts. */
  #nextNonce(): Buffer {
    if (this.#seals === MOST_SEALS) {
      randomBytes(PREFIX_BYTES).copy(this.#nonce);
      this.#seals = 0;
    }
    this.#nonce.writeUInt32BE(this.#seals, PREFIX_BYTES);
    this.#seals += 1;
    return this.#nonce;
  }
}

const INVALID: OpenedCursor = { kind: 'invalid' };
const FOREIGN: OpenedCursor = { kind: 'foreign' };

function unsealed(bytes: Buffer, { secret, head }: Key): Buffer | null {
  const nonce = bytes.subarray(HEAD_BYTES, HEAD_BYTES + NONCE_BYTES);
  const decipher = createDecipheriv(ALGORITHM, secret, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(head);
  decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
  const plain = decipher.update(bytes.subarray(HEAD_BYTES + NONCE_BYTES, -TAG_BYTES));
  try {
    decipher.final();
    return plain;
  } catch {
    // The tag does not match: the cursor was changed.
    return null;
  }
}

/**
 * A new key: `<base64url>.<Unix milliseconds>`. The time is that of the upgrade from a version without sealing, 0 for a
 * log that never had one.
 */
export function newKeyRecord(upgradedAt = 0): string {
  return `${randomBytes(KEY_BYTES).toString('base64url')}.${upgradedAt}`;
}

function parseKey(record: string): Key | null {
  const [encoded = '', time = ''] = record.split('.');
  const secret = Buffer.from(encoded, 'base64url');
  if (secret.length !== KEY_BYTES || !/^\d{1,15}$/.test(time)) return null;
  const keyId = createHash('sha256').update(secret).digest().subarray(0, KEY_ID_BYTES);
  const upgradedAt = Number(time);
  return {
    record,
    secret: createSecretKey(secret),
    head: Buffer.concat([Buffer.of(FORMAT), keyId]),
    unsealedUntil: upgradedAt === 0 ? 0 : upgradedAt + UNSEALED_FOR_MS,
  };
}
