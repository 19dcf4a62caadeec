import { SentinelConnector, type Redis, type RedisOptions } from 'ioredis';
import { isIP, type LookupFunction } from 'node:net';
import { isRefusedAddress, type AddressPolicy } from '../net/address-guard.ts';
import { AddressRefused, guardedLookup } from '../net/guarded-socket.ts';
import { guardedConnector } from './guarded-connector.ts';

interface Endpoint {
  readonly host: string;
  readonly port: number;
  lookup?: LookupFunction;
}

/**
 * Members of the library's connector that its types hide: each connection to a sentinel, and the address of the master.
 */
interface Connector {
  connectToSentinel(endpoint: unknown, options?: RedisOptions): Redis;
  resolve(endpoint: unknown): Promise<Endpoint | null>;
}
const Library = SentinelConnector as unknown as new (options: unknown) => Connector;

/**
 * The library's connector with two differences. Its connections that wait for a failover have no listener for errors,
 * so the library would print each error to stderr; an unavailable sentinel is logged when it is asked for the master.
 * And the address that a sentinel names is checked before a connection to it; so are the sentinels themselves.
 */
export function sentinelConnector(policy: AddressPolicy | null): NonNullable<RedisOptions['Connector']> {
  class Own extends Library {
    #hasRefused = false;

    override connectToSentinel(endpoint: unknown, options: RedisOptions = {}): Redis {
      const guarded = policy === null ? {} : { Connector: guardedConnector(policy) };
      const client = super.connectToSentinel(endpoint, { ...options, ...guarded });
      client.on('error', (error: unknown) => {
        if (error instanceof AddressRefused) this.#hasRefused = true;
      });
      return client;
    }

    override async resolve(endpoint: unknown): Promise<Endpoint | null> {
      this.#hasRefused = false;
      const found = await super.resolve(endpoint).catch((error: unknown) => {
        // The library only says that the connection is closed.
        throw this.#hasRefused ? new AddressRefused() : error;
      });
      if (found === null || policy === null) return found;
      if (isIP(found.host) !== 0 && isRefusedAddress(found.host, policy)) throw new AddressRefused();
      // The library connects with these options: names are checked when they are looked up.
      found.lookup = guardedLookup(policy);
      return found;
    }
  }
  return Own as unknown as NonNullable<RedisOptions['Connector']>;
}
