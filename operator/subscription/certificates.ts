import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';

/** Keys of a Secret of type kubernetes.io/tls. */
export const PAIR = ['tls.crt', 'tls.key'] as const;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Why a certificate and its key are useless for a server or a client, and what to do; null when they are fine. `now` in
 * Unix milliseconds. Contains nothing of the key. Pure.
 */
export function faultOfPair(
  { cert, key }: { readonly cert: string; readonly key: string },
  now: number,
): string | null {
  const [leaf] = certificatesOf(cert);
  if (leaf === undefined) return 'has no certificate in PEM form in tls.crt: put the chain there, the own one first';
  const secret = keyOf(key);
  if (secret === null) return 'has no private key in PEM form without a passphrase in tls.key: put it there';
  if (!leaf.checkPrivateKey(secret)) return 'has in tls.key another key than that of tls.crt: replace both together';
  if (isOver(leaf, now)) return `has in tls.crt a certificate that ended at ${endOf(leaf)}: renew it`;
  return null;
}

/** The same for authorities: one valid certificate suffices, because a bundle may keep older ones. Pure. */
export function faultOfAuthorities(key: string, pem: string, now: number): string | null {
  const all = certificatesOf(pem);
  const [first] = all;
  if (first === undefined) return `has no certificate in PEM form in ${key}: put the authority's there`;
  if (!all.every((one) => isOver(one, now))) return null;
  return `has in ${key} no authority that is in force, the first one ended at ${endOf(first)}: put the present one there`;
}

/** Empty when one of them is not a certificate. */
function certificatesOf(pem: string): X509Certificate[] {
  try {
    return (pem.match(PEM_CERTIFICATE) ?? []).map((one) => new X509Certificate(one));
  } catch {
    return [];
  }
}

function keyOf(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}

function isOver({ validTo }: X509Certificate, now: number): boolean {
  return Date.parse(validTo) < now;
}

function endOf({ validTo }: X509Certificate): string {
  return new Date(validTo).toISOString();
}
