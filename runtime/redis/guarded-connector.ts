import { AbstractConnector, type RedisOptions } from 'ioredis';
import type { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { AddressPolicy } from '../net/address-guard.ts';
import { AddressRefused, guardedSocket } from '../net/guarded-socket.ts';

type Connector = NonNullable<RedisOptions['Connector']>;

interface ServerOptions {
  readonly host?: string;
  readonly port?: number;
  readonly tls?: ConnectionOptions;
  readonly disconnectTimeout?: number;
}

/**
 * Connects to one server, a node of a cluster or a sentinel. The address is checked at each attempt, see runtime/net.
 * `onRefused` gets `host:port`: the library drops the errors of some of its connections.
 */
export function guardedConnector(
  policy: AddressPolicy,
  onRefused: (node: string) => void = () => undefined,
): Connector {
  class Guarded extends AbstractConnector {
    readonly #options: ServerOptions;

    constructor(options: ServerOptions) {
      super(options.disconnectTimeout ?? 0);
      this.#options = options;
    }

    connect(): Promise<Socket> {
      this.connecting = true;
      const { host = '127.0.0.1', port = 6_379, tls = null } = this.#options;
      return new Promise((resolve, reject) => {
        // Like the library's own: `disconnect()` in the same turn prevents the connection.
        process.nextTick(() => {
          if (!this.connecting) {
            reject(new Error('Connection is closed.'));
            return;
          }
          const socket = guardedSocket({ host, port, tls }, policy);
          this.stream = socket;
          socket.once('error', (error) => {
            this.firstError = error;
            if (error instanceof AddressRefused) onRefused(`${host}:${port}`);
          });
          resolve(socket);
        });
      });
    }
  }
  return Guarded as unknown as Connector;
}
