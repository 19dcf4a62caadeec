import { createPrivateKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import type { GatewayConfig } from '../../gateway/config.ts';
import { about, type About, type Finding } from '../../protocol/finding.ts';
import { howLong } from './how-long.ts';
import { readText, unreadable } from '../../runtime/files/text-file.ts';

/** A mounted certificate is usually renewed when a third of its life is left. */
const SOON_MS = 14 * 86_400_000;

const MOUNTED = 'renew it: look at what writes the Secret (cert-manager, the operator); a renewed pair is taken over';
const OWN = 'restart the gateway: it makes a new one at start, signed by the same ca.crt';

/** The certificate for clients, and those for Redis. */
export async function lookAtCertificates(config: GatewayConfig, now: number): Promise<readonly Finding[]> {
  return [...(await served(config, now)), ...ofRedis(config, now)];
}

async function served(config: GatewayConfig, now: number): Promise<readonly Finding[]> {
  const { stateFolder, tlsFolder, subscription } = config;
  if (subscription.spec.gateway.tls.disabled) {
    return [about('certificate').ok('TLS is disabled: a proxy in front has the certificate')];
  }
  const mounted = tlsFolder !== null;
  const file = mounted ? join(tlsFolder, 'tls.crt') : join(stateFolder, 'server.crt');
  const keyFile = mounted ? join(tlsFolder, 'tls.key') : join(stateFolder, 'server.key');
  const say = about('certificate', file);
  const [cert, key] = await Promise.all([read(file), read(keyFile)]);
  if (!mounted && cert.isAbsent) return [say.ok('is not there yet: made by the first start')];
  const fault = cert.fault ?? key.fault;
  if (fault !== null) {
    const remedy = mounted
      ? 'mount a Secret of type kubernetes.io/tls there, readable'
      : 'make the state folder readable';
    return [say.fail(`certificate or key ${fault}`, remedy)];
  }
  const fix = mounted ? MOUNTED : OWN;
  const pair = parsePair(cert.text, key.text);
  if (pair === null) return [say.fail('certificate or key is not PEM', fix)];
  if (pair.certificate.checkPrivateKey(pair.key)) return [judgeCertificate(pair.certificate, { say, now, fix })];
  return [say.fail(`${keyFile} is not the key of this certificate`, fix)];
}

/** Null when one of them is not PEM. */
function parsePair(cert: string, key: string) {
  try {
    return { certificate: new X509Certificate(cert), key: createPrivateKey(key) };
  } catch {
    // Node has no code for it: any certificate that cannot be parsed is a finding, whatever the parser says.
    return null;
  }
}

function ofRedis({ redis }: GatewayConfig, now: number): readonly Finding[] {
  const { ca = '', cert = '' } = redis?.tls ?? {};
  const fix = 'put the renewed file in its place, and restart';
  const judged = (name: string, pem: string) =>
    pem === '' ? [] : [judgeCertificate(new X509Certificate(pem), { say: about('certificate', name), now, fix })];
  return [...judged('REDIS_CA_FILE', ca), ...judged('REDIS_CERT_FILE', cert)];
}

/** By its dates. */
export function judgeCertificate(
  certificate: X509Certificate,
  { say, now, fix }: { say: About; now: number; fix: string },
): Finding {
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  const until = new Date(to).toISOString();
  if (now < from) return say.fail(`is not valid before ${new Date(from).toISOString()}`, 'set the clock, or renew it');
  if (now > to) return say.fail(`has expired at ${until}`, fix);
  const left = to - now;
  // The issuer of a certificate that lives a day or an hour renews it in time.
  const isSoon = left < SOON_MS && left < (to - from) / 5;
  return isSoon
    ? say.warn(`ends in ${howLong(left)}, at ${until}`, fix)
    : say.ok(`is valid until ${until} (${howLong(left)})`);
}

interface ReadFile {
  readonly text: string;
  /** Why it cannot be read; null when it was. */
  readonly fault: string | null;
  readonly isAbsent: boolean;
}

async function read(file: string): Promise<ReadFile> {
  try {
    return { text: await readText(file), fault: null, isAbsent: false };
  } catch (error) {
    return { text: '', fault: unreadable(error), isAbsent: (error as NodeJS.ErrnoException).code === 'ENOENT' };
  }
}
