import { X509Certificate, createPrivateKey } from 'node:crypto';
import { join } from 'node:path';
import type { CertificatePem } from './certificate.ts';
import { followFile } from '../files/follow-file.ts';
import { ConfigurationFault } from '../lifecycle/configuration-fault.ts';
import type { Logger } from '../logging/logger.ts';
import { readText, unreadable } from '../files/text-file.ts';

export interface MountedCertificateOptions {
  /** Folder with `tls.crt` and `tls.key`, as a Secret of type kubernetes.io/tls is mounted. */
  readonly folder: string;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly intervalMs?: number;
}

export interface MountedCertificate {
  readonly current: CertificatePem;
  /** Called with each certificate after the first. */
  onChange(listener: (certificate: CertificatePem) => void): void;
}

/**
 * Follows a certificate that another process renews: a renewed one takes effect within two seconds. An invalid pair
 * (for example half written) is ignored, and the last good one remains. Rejects with a ConfigurationFault for an
 * invalid first one.
 */
export async function followCertificate(options: MountedCertificateOptions): Promise<MountedCertificate> {
  const { folder, logger, signal, intervalMs } = options;
  const listeners = new Set<(certificate: CertificatePem) => void>();
  let current: CertificatePem;
  try {
    current = await readPair(folder);
  } catch (error) {
    throw new ConfigurationFault([`FIREHOSE_TLS_FOLDER: ${folder}: ${(error as Error).message}`]);
  }
  const take = async () => {
    const next = await readPair(folder);
    if (next.cert === current.cert && next.key === current.key) return;
    current = next;
    logger.info({ folder }, 'a new certificate is in force');
    for (const listener of listeners) listener(next);
  };
  const onError = (error: unknown) =>
    logger.error(
      { folder },
      `the mounted certificate is invalid; the last good one stays in force: ${(error as Error).message}`,
    );
  for (const name of ['tls.crt', 'tls.key']) {
    await followFile(join(folder, name), {
      signal,
      onError,
      onContent: take,
      ...(intervalMs !== undefined && { intervalMs }),
    });
  }
  return {
    get current() {
      return current;
    },
    onChange: (listener) => void listeners.add(listener),
  };
}

/** Rejects with an error that contains nothing of the files. */
async function readPair(folder: string): Promise<CertificatePem> {
  const read = (name: string) =>
    readText(join(folder, name)).catch((error: unknown) => {
      throw new Error(`${name} ${unreadable(error)}`);
    });
  const [cert, key] = [await read('tls.crt'), await read('tls.key')];
  let isPair: boolean;
  try {
    isPair = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch {
    throw new Error('tls.crt or tls.key is not PEM');
  }
  if (!isPair) throw new Error('tls.key is not the key of tls.crt');
  return { cert, key };
}
