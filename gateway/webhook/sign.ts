import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import { secretValue } from '../../runtime/files/secret-value.ts';

/** A signing secret's key. It appears in no log, metric, span or error (W5). */
export interface SigningKey {
  /** Imported once: an HMAC by the bytes of a key costs four times as much. */
  readonly secret: KeyObject;
}

const PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** Bounds of Standard Webhooks 1.0.0, in bytes. */
const SHORTEST = 24;
const LONGEST = 64;

/**
 * A secret in the form of Standard Webhooks: `whsec_` and the key in base64; the prefix may be missing. A fault says
 * what is wrong, and contains nothing of the secret.
 */
export function parseSecret(text: string): { readonly key: SigningKey } | { readonly fault: string } {
  const read = secretValue(text);
  if ('fault' in read) return read;
  const base64 = read.value.startsWith(PREFIX) ? read.value.slice(PREFIX.length) : read.value;
  const bytes = Buffer.from(base64, 'base64');
  const isWhole = BASE64.test(base64) && bytes.toString('base64').replace(/=+$/, '') === base64.replace(/=+$/, '');
  if (!isWhole) return { fault: `is not ${PREFIX} and a key in base64` };
  if (bytes.length < SHORTEST || bytes.length > LONGEST)
    return { fault: `holds a key of ${bytes.length} bytes: it needs ${SHORTEST} to ${LONGEST}` };
  return { key: { secret: createSecretKey(bytes) } };
}

/** The signed content: the headers `webhook-id` and `webhook-timestamp` (Unix seconds), and the body. */
export interface Signed {
  readonly id: string;
  readonly timestamp: number;
  readonly body: Buffer;
}

/**
 * The header `webhook-signature` of Standard Webhooks 1.0.0, HMAC-SHA256 (`v1`): a signature with each key, so that a
 * receiver that has only one of them can verify.
 */
export function signatureOf({ id, timestamp, body }: Signed, keys: readonly SigningKey[]): string {
  return keys
    .map(({ secret }) => {
      const hmac = createHmac('sha256', secret).update(`${id}.${timestamp}.`).update(body);
      return `v1,${hmac.digest('base64')}`;
    })
    .join(' ');
}

/** Seconds by which clocks may differ, as the official libraries have it. */
const TOLERANCE_S = 300;

/**
 * Why a request does not verify, as a receiver judges it; null for one that does. `now`: Unix milliseconds. For the command
 * that receives webhooks; receivers use an official library. Pure.
 */
export function verifySignature(
  request: { readonly id: string; readonly timestamp: string; readonly signature: string; readonly body: Buffer },
  keys: readonly SigningKey[],
  now: number,
): string | null {
  const timestamp = /^\d{1,12}$/.test(request.timestamp) ? Number(request.timestamp) : Number.NaN;
  if (Number.isNaN(timestamp)) return 'webhook-timestamp is not a time in seconds';
  const apart = Math.abs(now / 1_000 - timestamp);
  if (apart > TOLERANCE_S) return `webhook-timestamp is ${Math.round(apart)} s away from the clock of this machine`;
  const expected = signatureOf({ id: request.id, timestamp, body: request.body }, keys).split(' ');
  const given = request.signature.split(' ');
  const isOne = given.some((one) => expected.some((other) => isSameText(one, other)));
  return isOne ? null : 'no signature is of this secret and this body';
}

/** In constant time. */
function isSameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
