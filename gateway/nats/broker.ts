import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { connect, jwtAuthenticator, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node';
import { isRefusedAddress, type AddressPolicy } from '../../runtime/net/address-guard.ts';
import { AddressRefused } from '../../runtime/net/guarded-socket.ts';
import type { NatsCredentials } from './credentials.ts';

/** A connection that answers no PING for two of these is closed. */
const PING_MS = 20_000;
const DEFAULT_PORT = 4_222;

interface BrokerOptions {
  /** As `tls://host:port`. */
  readonly servers: readonly string[];
  /** Shown by the servers' monitoring. */
  readonly name: string;
  readonly policy: AddressPolicy | null;
  readonly timeoutMs: number;
  readonly credentials: () => NatsCredentials | null;
}

/**
 * One connection to the servers of a cluster, opened when it is needed. The library never reconnects by itself: the
 * breaker of the sender decides when the next attempt is made.
 */
export class Broker implements Disposable {
  readonly #options: BrokerOptions;
  #opening: Promise<NatsConnection> | null = null;
  #isDisposed = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
  }

  /** The open connection, else a new one. Rejects with the error of the last server. */
  connection(): Promise<NatsConnection> {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  /** Closes the connection; the next message opens another. */
  close(): void {
    const opening = this.#opening;
    this.#opening = null;
    // A connection that could not be opened needs no close.
    void opening?.then((connection) => connection.close()).catch(() => undefined);
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.close();
  }

  #open(): Promise<NatsConnection> {
    const opening = this.#connectAny();
    const forget = () => {
      if (this.#opening === opening) this.#opening = null;
    };
    opening.then((connection) => connection.closed().then(forget), forget);
    return opening;
  }

  /** Tries the servers one after the other, beginning with a random one. */
  async #connectAny(): Promise<NatsConnection> {
    const { servers } = this.#options;
    const first = Math.floor(Math.random() * servers.length);
    let last: unknown = new Error('unreachable: no server is declared');
    for (const server of [...servers.slice(first), ...servers.slice(0, first)]) {
      try {
        return await this.#connectTo(new URL(server));
      } catch (error) {
        last = error;
      }
      if (this.#isDisposed) break;
    }
    throw last;
  }

  /**
   * Names are resolved here, so that each address passes the guard (I16): the library would resolve them again.
   */
  async #connectTo({ protocol, hostname, port }: URL): Promise<NatsConnection> {
    const { name, policy, timeoutMs, credentials } = this.#options;
    const { login = null, ca = null } = credentials() ?? {};
    const host = hostname.replace(/^\[|\]$/g, '');
    const addresses = await addressesOf(host, policy);
    // `host` and `servername` are options of Node.js: the certificate must be valid for them.
    const tls = { host, servername: isIP(host) === 0 ? host : '', ...(ca !== null && { ca }) };
    const options: NodeConnectionOptions = {
      servers: addresses.map((address) => `${isIP(address) === 6 ? `[${address}]` : address}:${port || DEFAULT_PORT}`),
      name,
      reconnect: false,
      ignoreClusterUpdates: true,
      noAsyncTraces: true,
      resolve: false,
      timeout: timeoutMs,
      pingInterval: PING_MS,
      tls: protocol === 'tls:' ? tls : null,
    };
    return connect({ ...options, ...authenticated(login) });
  }
}

function authenticated(login: NatsCredentials['login']): NodeConnectionOptions {
  switch (login?.kind) {
    case 'creds':
      return { authenticator: jwtAuthenticator(login.jwt, Buffer.from(login.seed)) };
    case 'token':
      return { token: login.token };
    case 'user':
      return { user: login.user, pass: login.pass };
    case undefined:
      return {};
  }
}

/** Rejects with AddressRefused if one of them is refused, or with the error of DNS. */
async function addressesOf(host: string, policy: AddressPolicy | null): Promise<readonly string[]> {
  const found = isIP(host) === 0 ? await lookup(host, { all: true }) : [{ address: host }];
  const addresses = found.map(({ address }) => address);
  if (policy !== null && addresses.some((address) => isRefusedAddress(address, policy))) throw new AddressRefused();
  return addresses;
}
