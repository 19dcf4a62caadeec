import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';

export type SigningAlgorithm = 'HS256' | 'EdDSA' | 'ES256';

/**
 * A new private key. Its `kid` is random: a thumbprint would reveal a hash of the HS256 secret (RFC 7638 section 7).
 */
export async function newKey(algorithm: SigningAlgorithm): Promise<JWK & { kid: string; alg: SigningAlgorithm }> {
  const kid = randomBytes(9).toString('base64url');
  if (algorithm === 'HS256') return { kty: 'oct', k: randomBytes(32).toString('base64url'), kid, alg: algorithm };
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid, alg: algorithm };
}
