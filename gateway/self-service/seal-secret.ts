import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';

/** The signing keys of the resource, as sealing uses them: by `kid`, and which of them is in force. */
export interface SealKeys {
  readonly kid: string;
  readonly material: ReadonlyMap<string, KeyObject>;
}

const ALGORITHM = 'aes-256-gcm';
const KEY_BYTES = 32;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = '1';
const PURPOSE = 'firehose webhook secret';

/**
 * A secret as Redis holds it: AES-256-GCM with a key that is derived from a signing key of the resource. `of` names the
 * webhook, and is authenticated: the text opens for no other one.
 */
export function sealSecret(secret: Buffer, { kid, material }: SealKeys, of: string): string {
  const key = derived(material.get(kid), of);
  if (key === null) throw new Error('unreachable: the key in force is among the keys');
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(Buffer.from(of));
  const sealed = Buffer.concat([nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  return `${FORMAT}:${kid}:${sealed.toString('base64url')}`;
}

/** Null when its key is not among the keys any more, or when it was changed. */
export function openSecret(text: string, { material }: SealKeys, of: string): Buffer | null {
  const [format, kid = '', encoded = ''] = text.split(':');
  const key = derived(material.get(kid), of);
  const bytes = Buffer.from(encoded, 'base64url');
  if (format !== FORMAT || key === null || bytes.length <= NONCE_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv(ALGORITHM, key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(of)).setAuthTag(bytes.subarray(-TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
  } catch {
    // The tag does not match.
    return null;
  }
}

/** The `kid` of the key with which it was sealed. */
export function sealedBy(text: string): string {
  return text.split(':')[1] ?? '';
}

function derived(material: KeyObject | undefined, of: string): Buffer | null {
  if (material === undefined) return null;
  return Buffer.from(hkdfSync('sha256', material, of, PURPOSE, KEY_BYTES));
}
