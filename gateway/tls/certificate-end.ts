import { X509Certificate } from 'node:crypto';

/** When a certificate (PEM) expires, in Unix milliseconds; null without one. */
export function certificateEnd(pem: string | null): number | null {
  return pem === null ? null : Date.parse(new X509Certificate(pem).validTo);
}
