import { z } from 'zod';

/** The key of a Secret, and the name of a file, with keys of pseudonyms. */
export const PSEUDONYM_KEYS_FILE = 'pseudonym-keys.json';

const MOST_KEYS = 8;
const MIN_KEY_BYTES = 32;
const MAX_KEY_CHARS = 512;
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** A key, and the time from which on it makes the pseudonyms of events. */
export interface PseudonymKey {
  /** Part of each of its pseudonyms, so that a client sees which ones can be compared. Not secret. */
  readonly id: string;
  /** Secret. */
  readonly secret: Uint8Array;
  /** Unix milliseconds, by the log; 0: from its start. */
  readonly from: number;
}

const keySchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9]{1,8}$/),
  key: z.string().max(MAX_KEY_CHARS).regex(BASE64),
  from: z.iso.datetime({ offset: true }).optional(),
});

export type ReadPseudonymKeys =
  | { readonly ok: true; readonly keys: readonly PseudonymKey[] }
  /** The fault and what to do. It repeats nothing of the content. */
  | { readonly ok: false; readonly fault: string };

/**
 * Keys as a platform writes them: a JSON array of `{"id":"1","key":"<base64>","from":"<RFC 3339>"}`, the oldest first.
 * Each applies to events from its time on, until the time of the next one; the first needs no time. Pure.
 */
export function readPseudonymKeys(text: string): ReadPseudonymKeys {
  const rows = z.array(keySchema).min(1).max(MOST_KEYS).safeParse(parsed(text));
  if (!rows.success) {
    const [place] = rows.error.issues;
    const where = place === undefined || place.path.length === 0 ? '' : `${pathOf(place.path)}: `;
    return {
      ok: false,
      fault: `${where}is not as [{"id":"1","key":"<base64>","from":"<RFC 3339>"}], 1 to ${MOST_KEYS} of them`,
    };
  }
  const keys = rows.data.map(({ id, key, from }) => ({
    id,
    secret: bytesOf(key),
    from: from === undefined ? 0 : Date.parse(from),
  }));
  const short = keys.find(({ secret }) => secret.length < MIN_KEY_BYTES);
  if (short !== undefined) return { ok: false, fault: `the key ${short.id} is shorter than ${MIN_KEY_BYTES} bytes` };
  if (new Set(keys.map(({ id }) => id)).size < keys.length) return { ok: false, fault: 'two keys have the same id' };
  const early = keys.find(({ from }, at) => at > 0 && from <= (keys[at - 1]?.from ?? 0));
  if (early !== undefined) return { ok: false, fault: `the key ${early.id} needs a later time than the one before it` };
  return { ok: true, keys };
}

/**
 * The key for an event that the log got at this time (Unix milliseconds): the same for all replicas that have these
 * keys.
 */
export function keyAt(keys: readonly PseudonymKey[], at: number): PseudonymKey | undefined {
  return keys.findLast(({ from }) => from <= at) ?? keys[0];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function pathOf(path: readonly PropertyKey[]): string {
  return path.map((part) => (typeof part === 'number' ? `[${part}]` : String(part))).join('.');
}

function bytesOf(base64: string): Uint8Array {
  const text = atob(base64.replaceAll('-', '+').replaceAll('_', '/').replace(/=+$/, ''));
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
