import { SentinelConnector, type Redis, type RedisOptions } from 'ioredis';

/** What the library hides of its connector: each connection to a sentinel is made here. */
interface Connector {
  connectToSentinel(...given: readonly unknown[]): Redis;
}

/**
 * The library's own, whose connections that wait for a failover have nobody to hear their errors: it would print each
 * one to stderr. That a sentinel is away is told when it is asked for the master.
 */
class Quiet extends (SentinelConnector as unknown as new (options: unknown) => Connector) {
  override connectToSentinel(...given: readonly unknown[]): Redis {
    const client = super.connectToSentinel(...given);
    client.on('error', () => undefined);
    return client;
  }
}

export const QuietSentinelConnector = Quiet as unknown as NonNullable<RedisOptions['Connector']>;
