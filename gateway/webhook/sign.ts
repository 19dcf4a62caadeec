import { createHmac } from 'node:crypto';
import { secretValue } from '../../runtime/files/secret-value.ts';

/** A signing secret's key. It appears in no log, metric, span or error (W5). */
export interface SigningKey {
  readonly bytes: Buffer;
}

const PREFIX = 'whsec_';
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
/** Bounds of Standard Webhooks 1.0.0, in bytes. */
const SHORTEST = 24;
const LONGEST = 64;

/**
 * A secret as Standard Webhooks writes it: `whsec_` and the key in base64; the prefix may be missing. A fault says what is
 * wrong, and contains nothing of the secret.
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
  return { key: { bytes } };
}

/** What is signed: the headers `webhook-id` and `webhook-timestamp` (Unix seconds), and the body. */
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
    .map(({ bytes }) => {
      const hmac = createHmac('sha256', bytes).update(`${id}.${timestamp}.`).update(body);
      return `v1,${hmac.digest('base64')}`;
    })
    .join(' ');
}
