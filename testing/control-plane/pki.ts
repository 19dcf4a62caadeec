import { generateKeyPairSync } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, issueCertificate, type CertificatePem } from '../../runtime/certificates/certificate.ts';

/** The mutual trust of the parts of a control plane. Files are PEM, in the given folder. */
export interface Pki {
  readonly authority: CertificatePem;
  readonly files: {
    readonly ca: string;
    readonly serverCert: string;
    readonly serverKey: string;
    readonly serviceAccountKey: string;
    readonly serviceAccountPublicKey: string;
  };
  /** A client certificate: `CN` is the user, each `O` a group. */
  client(user: string, groups?: readonly string[]): Promise<CertificatePem>;
  /** A server's certificate for these addresses, which are its names too. */
  server(subject: string, ips: readonly string[]): Promise<CertificatePem>;
}

const DAYS = 30;

/**
 * Creates an authority for this control plane, the API server's certificate and the service accounts' key. `addresses`
 * are those of the API server beyond loopback.
 */
export async function createPki(folder: string, now: number, addresses: readonly string[] = []): Promise<Pki> {
  const authority = await createAuthority({ subject: 'CN=firehose test control plane', now, days: DAYS });
  const server = await issueCertificate(authority, {
    subject: 'CN=kube-apiserver',
    usage: 'server',
    dns: ['localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
    ips: ['127.0.0.1', '10.96.0.1', ...addresses],
    now,
    days: DAYS,
  });
  const accounts = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  const write = async (name: string, text: string) => {
    await writeFile(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    authority,
    files: {
      ca: await write('ca.crt', authority.cert),
      serverCert: await write('apiserver.crt', server.cert),
      serverKey: await write('apiserver.key', server.key),
      serviceAccountKey: await write('service-accounts.key', accounts.privateKey),
      serviceAccountPublicKey: await write('service-accounts.pub', accounts.publicKey),
    },
    client: (user, groups = []) =>
      issueCertificate(authority, {
        subject: [`CN=${user}`, ...groups.map((group) => `O=${group}`)].join(', '),
        usage: 'client',
        now,
        days: DAYS,
      }),
    server: (subject, ips) => issueCertificate(authority, { subject, usage: 'server', ips, now, days: DAYS }),
  };
}
