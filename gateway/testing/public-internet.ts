import { readFile } from 'node:fs/promises';
import dns, { type LookupAddress } from 'node:dns';
import { syncBuiltinESMExports } from 'node:module';
import tls, { type ConnectionOptions } from 'node:tls';

interface Host {
  /** What DNS answers for the name. */
  addresses: readonly string[];
  readonly port: number;
  readonly ca: string;
}

type Answer = (error: Error | null, found: string | LookupAddress[], family?: number) => void;
type Lookup = (name: string, options: object, answer: Answer) => void;

/**
 * The public internet as this process sees it: names with public addresses, whose servers are on loopback. Everything up to
 * DNS and the network is the product's own: the guard judges the public address, and then the connection goes to loopback.
 */
export class PublicInternet implements Disposable {
  readonly #hosts = new Map<string, Host>();
  readonly #lookup = dns.lookup;
  readonly #connect = tls.connect;
  /** Lookups of its names. */
  readonly asked: string[] = [];

  constructor() {
    const original = this.#lookup as unknown as Lookup;
    const lookup: Lookup = (name, options, answer) => {
      const host = this.#hosts.get(name);
      if (host === undefined) return original(name, options, answer);
      this.asked.push(name);
      const found = host.addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      process.nextTick(answer, null, found);
    };
    dns.lookup = Object.assign(lookup, { __promisify__: this.#lookup.__promisify__ }) as unknown as typeof dns.lookup;
    tls.connect = ((options: ConnectionOptions) => {
      const host = this.#hosts.get(options.host ?? '');
      return this.#connect(host === undefined ? options : leading(options, host));
    }) as typeof tls.connect;
    syncBuiltinESMExports();
  }

  /** `https://<name>/` leads to the server on this port of loopback. */
  async add(name: string, at: { readonly port: number; readonly caFile: string }): Promise<void> {
    const ca = await readFile(at.caFile, 'utf8');
    this.#hosts.set(name, { addresses: ['93.184.216.34'], port: at.port, ca });
  }

  /** From now on DNS answers this. */
  resolves(name: string, ...addresses: string[]): void {
    const host = this.#hosts.get(name);
    if (host !== undefined) host.addresses = addresses;
  }

  [Symbol.dispose](): void {
    dns.lookup = this.#lookup;
    tls.connect = this.#connect;
    syncBuiltinESMExports();
  }
}

/** The same connection, to the server of the host, if the lookup that the product gave allows the host's addresses. */
function leading(options: ConnectionOptions, { port, ca }: Host): ConnectionOptions {
  const { lookup } = options;
  if (lookup === undefined) throw new Error('a connection to the internet without a guard');
  return {
    ...options,
    port,
    ca,
    lookup: (name, how, answer) =>
      lookup(name, how, (error) => {
        if (error !== null) answer(error, '');
        else if (how.all === true) answer(null, [{ address: '127.0.0.1', family: 4 }]);
        else answer(null, '127.0.0.1', 4);
      }),
  };
}
