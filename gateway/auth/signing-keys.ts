import { createPrivateKey, createSecretKey, randomBytes, webcrypto, type KeyObject } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { importJWK, type CryptoKey, type JWK } from 'jose';
import { newKey, type SigningAlgorithm } from '../../runtime/signing/new-key.ts';
import { readText, TextEncodingFault } from '../../runtime/files/text-file.ts';

const { subtle } = webcrypto;

export { newKey, type SigningAlgorithm };

interface VerifyKey {
  /** The only algorithm that this key verifies. */
  readonly algorithm: SigningAlgorithm;
  readonly key: CryptoKey | Uint8Array;
}

/** One key signs; that key and the older ones verify. */
export interface KeyRing {
  readonly algorithm: SigningAlgorithm;
  readonly kid: string;
  readonly signKey: KeyObject;
  readonly verifyKeys: ReadonlyMap<string, VerifyKey>;
  /** Secret parts of all keys, by `kid`: other keys of the resource are derived from them. */
  readonly material: ReadonlyMap<string, KeyObject>;
  /** RFC 7517 document of the public keys; empty for HS256, whose key is secret. */
  readonly jwks: { readonly keys: readonly JWK[] };
}

/** A file or list does not contain signing keys. The message never repeats its content. */
export class SigningKeyFault extends Error {
  override readonly name = 'SigningKeyFault';
  readonly code = 'signing_key_invalid';
}

const MAX_KEYS = 4;
const MIN_SECRET_BYTES = 32;
const CURVES: Readonly<Record<string, SigningAlgorithm>> = { Ed25519: 'EdDSA', 'P-256': 'ES256' };

/**
 * The keys of a file: a JSON array of private JWKs (RFC 7517), each with `kid` and `alg`; the first one signs. If the
 * file is missing, or its first key has another algorithm, a new key is created and put first (mode 0600). Tokens
 * remain valid through a restart and a change of algorithm. At most four keys are kept.
 */
export async function openKeyRing(path: string, algorithm: SigningAlgorithm): Promise<KeyRing> {
  const kept = await readKeys(path);
  if (kept[0]?.alg === algorithm) return keyRing(kept);
  const keys = [await newKey(algorithm), ...kept].slice(0, MAX_KEYS);
  await writeKeys(path, keys);
  return keyRing(keys);
}

/** Private JWKs as a key ring; the first one signs. Throws a SigningKeyFault for any other value. */
export async function keyRing(jwks: readonly unknown[]): Promise<KeyRing> {
  const keys = await Promise.all(jwks.map(importKey));
  const [first] = keys;
  if (first === undefined) throw new SigningKeyFault('there is no signing key');
  if (new Set(keys.map(({ kid }) => kid)).size < keys.length) throw new SigningKeyFault('two signing keys share a kid');
  return {
    algorithm: first.algorithm,
    kid: first.kid,
    signKey: first.signKey,
    verifyKeys: new Map(keys.map(({ kid, algorithm, verifyKey }) => [kid, { algorithm, key: verifyKey }])),
    material: new Map(keys.map(({ kid, material }) => [kid, material])),
    jwks: { keys: keys.flatMap(({ published }) => (published === null ? [] : [published])) },
  };
}

interface ImportedKey {
  readonly algorithm: SigningAlgorithm;
  readonly kid: string;
  readonly signKey: KeyObject;
  readonly verifyKey: CryptoKey | Uint8Array;
  readonly material: KeyObject;
  readonly published: JWK | null;
}

async function importKey(value: unknown): Promise<ImportedKey> {
  if (typeof value !== 'object' || value === null) throw new SigningKeyFault('a signing key is not a JWK');
  const { kty, kid, alg, crv, k, x, y, d } = value as JWK;
  if (typeof kid !== 'string' || !/^[A-Za-z0-9_.-]{1,64}$/.test(kid)) {
    throw new SigningKeyFault('a signing key has no usable kid');
  }
  if (kty === 'oct' && typeof k === 'string' && alg === 'HS256') {
    const secret = Buffer.from(k, 'base64url');
    if (secret.length < MIN_SECRET_BYTES) throw new SigningKeyFault(`the signing key ${kid} is shorter than 32 bytes`);
    // Imported once: jose would import the bytes again for each token.
    const key = await subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
    const material = createSecretKey(secret);
    return { algorithm: 'HS256', kid, signKey: material, verifyKey: key, material, published: null };
  }
  const algorithm = CURVES[crv ?? ''];
  if (algorithm === undefined || algorithm !== alg || !kty || !crv || !x || !d) {
    throw new SigningKeyFault(`the signing key ${kid} is neither HS256 nor EdDSA (Ed25519) nor ES256`);
  }
  const publicKey: JWK = { kty, crv, x, ...(y !== undefined && { y }) };
  try {
    return {
      algorithm,
      kid,
      signKey: createPrivateKey({ key: { ...publicKey, d }, format: 'jwk' }),
      verifyKey: await importJWK(publicKey, algorithm),
      material: createSecretKey(Buffer.from(d, 'base64url')),
      published: { ...publicKey, kid, use: 'sig', alg: algorithm },
    };
  } catch {
    // The cause may contain the key's parameters.
    throw new SigningKeyFault(`the signing key ${kid} is not a valid ${algorithm} key`);
  }
}

async function readKeys(path: string): Promise<JWK[]> {
  let text: string;
  try {
    text = await readText(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    if (error instanceof TextEncodingFault) throw new SigningKeyFault(`${path} ${error.message}`);
    throw error;
  }
  let keys: unknown;
  try {
    keys = JSON.parse(text);
  } catch {
    keys = null;
  }
  if (!Array.isArray(keys)) throw new SigningKeyFault(`${path} is not a JSON array of JWKs: remove it for a new key`);
  await keyRing(keys);
  return keys as JWK[];
}

async function writeKeys(path: string, keys: readonly JWK[]): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(draft, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  await rename(draft, path);
}
