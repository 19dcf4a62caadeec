import { webcrypto, X509Certificate } from 'node:crypto';
import { hostname } from 'node:os';
// Needed by x509's dependency container, before it is loaded.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import type { StateFolder } from '../state/state-folder.ts';

/** PEM text, ready for node:tls. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const DAY_MS = 86_400_000;
const CA_DAYS = 3_650;
const SERVER_DAYS = 365;
/** A server certificate with less than this left is made anew at start. */
const RENEW_BEFORE_DAYS = 30;
const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/**
 * The gateway's own certificate, signed by an authority of its own: clients trust `ca.crt`, which outlives every
 * renewal of the server's certificate. Kept in the state folder so that a restart changes nothing.
 */
export async function selfSigned(state: StateFolder, now: number): Promise<Certificate> {
  const authority = (await keptAuthority(state, now)) ?? (await makeAuthority(state, now));
  const kept = await keptServer(state, authority.certificate, now);
  if (kept !== null) return kept;
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: 'CN=firehose',
    issuer: authority.certificate.subject,
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + SERVER_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension([
        { type: 'dns', value: 'localhost' },
        { type: 'dns', value: hostname() },
        { type: 'ip', value: '127.0.0.1' },
        { type: 'ip', value: '::1' },
      ]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const made = { cert: certificate.toString('pem'), key: await privatePem(keys.privateKey) };
  await state.write('server.key', made.key);
  await state.write('server.crt', made.cert);
  return made;
}

interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly key: webcrypto.CryptoKey;
}

async function keptAuthority(state: StateFolder, now: number): Promise<Authority | null> {
  const [cert, key] = [await state.read('ca.crt'), await state.read('ca.key')];
  if (cert === null || key === null) return null;
  const certificate = new x509.X509Certificate(cert);
  if (certificate.notAfter.getTime() < now + SERVER_DAYS * DAY_MS) return null;
  const [der] = x509.PemConverter.decode(key);
  if (der === undefined) return null;
  return { certificate, key: await webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']) };
}

async function makeAuthority(state: StateFolder, now: number): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: 'CN=Firehose standalone authority',
    notBefore: new Date(now - DAY_MS),
    notAfter: new Date(now + CA_DAYS * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  await state.write('ca.key', await privatePem(keys.privateKey));
  await state.write('ca.crt', certificate.toString('pem'));
  return { certificate, key: keys.privateKey };
}

async function keptServer(
  state: StateFolder,
  authority: x509.X509Certificate,
  now: number,
): Promise<Certificate | null> {
  const [cert, key] = [await state.read('server.crt'), await state.read('server.key')];
  if (cert === null || key === null) return null;
  const certificate = new X509Certificate(cert);
  const signed = certificate.verify(new X509Certificate(authority.toString('pem')).publicKey);
  const left = new Date(certificate.validTo).getTime() - now;
  return signed && left > RENEW_BEFORE_DAYS * DAY_MS ? { cert, key } : null;
}

async function privatePem(key: webcrypto.CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

function serial(): string {
  return Buffer.from(webcrypto.getRandomValues(new Uint8Array(16)))
    .toString('hex')
    .replace(/^[89a-f]/, '1');
}
