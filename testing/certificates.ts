import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const HOUR_MS = 3_600_000;

/** A temporary authority and one certificate of it, for servers and clients alike, as PEM files. */
export interface Certificates extends AsyncDisposable {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

/** The certificate is for the given DNS name and no address, so that a client must use the name. `until`: its end. */
export async function makeCertificates(
  name = 'localhost',
  until = new Date(Date.now() + 24 * HOUR_MS),
): Promise<Certificates> {
  const dir = await mkdtemp(join(tmpdir(), 'firehose-certificates-'));
  const [authorityKeys, keys] = [await makeKeys(), await makeKeys()];
  const notBefore = new Date(Math.min(Date.now(), until.getTime()) - HOUR_MS);
  const validity = { notBefore, notAfter: new Date(Date.now() + 24 * HOUR_MS) };
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: 'CN=test authority',
    signingAlgorithm: ALGORITHM,
    keys: authorityKeys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    ],
  });
  const certificate = await x509.X509CertificateGenerator.create({
    notBefore,
    notAfter: until,
    serialNumber: '02',
    subject: 'CN=test',
    issuer: authority.subject,
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey: authorityKeys.privateKey,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: name }])],
  });
  const write = async (file: string, pem: string) => {
    await writeFile(join(dir, file), pem, { mode: 0o600 });
    return join(dir, file);
  };
  const der = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey);
  return {
    caFile: await write('ca.crt', authority.toString('pem')),
    certFile: await write('tls.crt', certificate.toString('pem')),
    keyFile: await write('tls.key', x509.PemConverter.encode(der, 'PRIVATE KEY')),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  };
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}
