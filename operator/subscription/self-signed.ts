import { X509Certificate } from 'node:crypto';
import { createAuthority, issueCertificate, type CertificatePem } from '../../runtime/certificates/certificate.ts';
import { SECRETS, type KubeObject } from '../kubernetes/objects.ts';
import { ownedBy, type Owner } from '../resources/rendering.ts';
import { secretText } from './secret-text.ts';

const DAY_MS = 86_400_000;
const AUTHORITY_DAYS = 3_650;
const SERVER_DAYS = 90;
const RENEW_BEFORE_DAYS = 30;

export interface SelfSignedInput {
  readonly owner: Owner;
  /** Names of the two Secrets. */
  readonly secrets: { readonly authority: string; readonly tls: string };
  /** Host names of the certificate. */
  readonly dnsNames: readonly string[];
  /** Their present content; null when absent. */
  readonly authority: KubeObject | null;
  readonly server: KubeObject | null;
}

/**
 * The Secrets to apply so that peers see a certificate that is valid long enough and for every name: none, the
 * server's, or the authority's too. Clients trust `ca.crt`, which outlives every renewal; its key is in a Secret that
 * no pod mounts.
 */
export async function renewSelfSigned(input: SelfSignedInput, now: number): Promise<readonly KubeObject[]> {
  const kept = keptAuthority(input.authority, now);
  const subject = `CN=${input.owner.name} firehose authority`;
  const authority = kept ?? (await createAuthority({ subject, now, days: AUTHORITY_DAYS }));
  const { dnsNames: names, secrets: own } = input;
  if (kept !== null && isServerGood(input.server, kept, names, now)) return [];
  const server = await issueCertificate(authority, {
    subject: 'CN=firehose',
    usage: 'server',
    dns: names,
    now,
    days: SERVER_DAYS,
  });
  const made = secretOf(input, own.tls, 'kubernetes.io/tls', {
    'ca.crt': authority.cert,
    'tls.crt': server.cert,
    'tls.key': server.key,
  });
  if (kept !== null) return [made];
  return [secretOf(input, own.authority, 'Opaque', { 'ca.crt': authority.cert, 'ca.key': authority.key }), made];
}

function keptAuthority(secret: KubeObject | null, now: number): CertificatePem | null {
  const [cert, key] = [secretText(secret, 'ca.crt'), secretText(secret, 'ca.key')];
  if (cert === null || key === null) return null;
  return daysLeft(cert, now) > SERVER_DAYS ? { cert, key } : null;
}

function isServerGood(
  secret: KubeObject | null,
  authority: CertificatePem,
  names: readonly string[],
  now: number,
): boolean {
  const [cert, key] = [secretText(secret, 'tls.crt'), secretText(secret, 'tls.key')];
  if (cert === null || key === null || daysLeft(cert, now) <= RENEW_BEFORE_DAYS) return false;
  const parsed = new X509Certificate(cert);
  const held = new Set((parsed.subjectAltName ?? '').split(', ').map((name) => name.replace(/^DNS:/, '')));
  const isOurs = parsed.verify(new X509Certificate(authority.cert).publicKey);
  return isOurs && held.size === names.length && names.every((name) => held.has(name));
}

/** None when it cannot be read. */
function daysLeft(cert: string, now: number): number {
  try {
    return (new Date(new X509Certificate(cert).validTo).getTime() - now) / DAY_MS;
  } catch {
    return 0;
  }
}

function secretOf(
  input: SelfSignedInput,
  name: string,
  type: string,
  texts: Readonly<Record<string, string>>,
): KubeObject {
  const encoded = Object.entries(texts).map(([key, text]) => [key, Buffer.from(text).toString('base64')]);
  return ownedBy(input.owner, SECRETS, name, { type, data: Object.fromEntries(encoded) as Record<string, string> });
}
