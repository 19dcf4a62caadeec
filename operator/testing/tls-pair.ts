import { createAuthority } from '../../runtime/certificates/certificate.ts';

/** The content of a Secret of type kubernetes.io/tls, self-signed. `now` in Unix milliseconds. */
export async function tlsPair({ now = Date.now(), days = 2 } = {}): Promise<{ 'tls.crt': string; 'tls.key': string }> {
  const { cert, key } = await createAuthority({ subject: 'CN=test', now, days });
  return { 'tls.crt': cert, 'tls.key': key };
}
