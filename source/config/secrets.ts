import { join } from 'node:path';
import { belongTogether, readPem } from '../../runtime/files/pem-file.ts';
import { secretValue } from '../../runtime/files/secret-value.ts';
import { readText, unreadable } from '../../runtime/files/text-file.ts';

interface SecretKey {
  readonly name: string;
  readonly key: string;
}

/** Certificates and keys of TLS, PEM; null where none is given. */
export interface TlsFiles {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
  /** The name that the certificate must have, if it is not the host's. */
  readonly serverName: string | null;
}

interface TlsReferences {
  readonly caSecretRef?: SecretKey | undefined;
  readonly clientCertSecretName?: string | undefined;
  readonly serverName?: string | undefined;
}

/**
 * Reads the Secrets of one endpoint from a folder that has them as `<name>/<key>`, as Kubernetes mounts them. Collects
 * faults; they name files but never their content.
 */
export class EndpointSecrets {
  readonly #folder: string | null;
  readonly #endpoint: string;
  readonly #faults: string[];

  constructor(folder: string | null, endpoint: string, faults: string[]) {
    this.#folder = folder;
    this.#endpoint = endpoint;
    this.#faults = faults;
  }

  /** Null after a fault, or when an optional one is absent. */
  async value(secret: string, key: string, isOptional = false): Promise<string | null> {
    const path = this.#path(secret, key);
    if (path === null) return null;
    let text: string;
    try {
      text = await readText(path);
    } catch (error) {
      if (!(isOptional && (error as NodeJS.ErrnoException).code === 'ENOENT'))
        this.fault(`${path} ${unreadable(error)}`);
      return null;
    }
    const read = secretValue(text);
    if ('value' in read) return read.value;
    this.fault(`${path} ${read.fault}`);
    return null;
  }

  async tls({ caSecretRef, clientCertSecretName, serverName }: TlsReferences): Promise<TlsFiles> {
    const ca = caSecretRef === undefined ? null : await this.#pem(caSecretRef.name, caSecretRef.key, 'certificate');
    const client = clientCertSecretName;
    const cert = client === undefined ? null : await this.#pem(client, 'tls.crt', 'certificate');
    const key = client === undefined ? null : await this.#pem(client, 'tls.key', 'key');
    if (cert !== null && key !== null && !belongTogether(cert, key)) {
      this.fault(`${this.#path(client ?? '', 'tls.key')}: the key is not the certificate's`);
    }
    return { ca, cert, key, serverName: serverName ?? null };
  }

  fault(what: string): void {
    this.#faults.push(`endpoint ${this.#endpoint}: ${what}`);
  }

  async #pem(secret: string, key: string, what: 'certificate' | 'key'): Promise<string | null> {
    const { text, fault } = await readPem(`endpoint ${this.#endpoint}`, this.#path(secret, key), what);
    if (fault !== null) this.#faults.push(fault);
    return text === '' ? null : text;
  }

  #path(secret: string, key: string): string | null {
    return this.#folder === null ? null : join(this.#folder, secret, key);
  }
}
