import { X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
import { createAuthority, issueCertificate, type CertificatePem } from '../../runtime/certificates/certificate.ts';
import type { StateFolder } from '../state/state-folder.ts';

const DAY_MS = 86_400_000;
const CA_DAYS = 3_650;
const SERVER_DAYS = 365;
/** A server certificate with less than this left is replaced at start. */
const RENEW_BEFORE_DAYS = 30;

/**
 * The gateway's own certificate, signed by an authority of its own: clients trust `ca.crt`, which outlives every
 * renewal of the server's certificate. Kept in the state folder so that a restart changes nothing.
 */
export async function selfSigned(state: StateFolder, now: number): Promise<CertificatePem> {
  const authority = (await keptAuthority(state, now)) ?? (await makeAuthority(state, now));
  const kept = await keptServer(state, authority, now);
  if (kept !== null) return kept;
  const made = await issueCertificate(authority, {
    subject: 'CN=firehose',
    usage: 'server',
    dns: ['localhost', hostname()],
    ips: ['127.0.0.1', '::1'],
    now,
    days: SERVER_DAYS,
  });
  await state.write('server.key', made.key);
  await state.write('server.crt', made.cert);
  return made;
}

async function keptAuthority(state: StateFolder, now: number): Promise<CertificatePem | null> {
  const [cert, key] = [await state.read('ca.crt'), await state.read('ca.key')];
  if (cert === null || key === null) return null;
  return endsAt(cert) < now + SERVER_DAYS * DAY_MS ? null : { cert, key };
}

async function makeAuthority(state: StateFolder, now: number): Promise<CertificatePem> {
  const made = await createAuthority({ subject: 'CN=Firehose standalone authority', now, days: CA_DAYS });
  await state.write('ca.key', made.key);
  await state.write('ca.crt', made.cert);
  return made;
}

async function keptServer(state: StateFolder, authority: CertificatePem, now: number): Promise<CertificatePem | null> {
  const [cert, key] = [await state.read('server.crt'), await state.read('server.key')];
  if (cert === null || key === null) return null;
  const signed = new X509Certificate(cert).verify(new X509Certificate(authority.cert).publicKey);
  return signed && endsAt(cert) - now > RENEW_BEFORE_DAYS * DAY_MS ? { cert, key } : null;
}

function endsAt(cert: string): number {
  return new Date(new X509Certificate(cert).validTo).getTime();
}
