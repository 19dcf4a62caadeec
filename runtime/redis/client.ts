import { Redis, type Cluster, type RedisOptions } from 'ioredis';
import type { Logger } from '../logging/logger.ts';
import { connectionOf, type RedisAddress, type RedisConnection, type RedisNode, type RedisTls } from './connection.ts';
import { clusterClient } from './cluster-client.ts';
import { watchOutages } from './outage.ts';
import { guardedConnector } from './guarded-connector.ts';
import { sentinelConnector } from './sentinel-connector.ts';
import { LastingRedis } from './lasting-redis.ts';
import { reconnectDelay } from './reconnect-delay.ts';

/**
 * A client for commands that do not block. In a cluster it finds the shard of a command by its key, so every command
 * and every script must use keys of one hash tag.
 */
export type RedisClient = Redis | Cluster;

export interface RedisClientOptions {
  readonly logger: Logger;
  /** Shown by CLIENT LIST and in the log: the purpose of this connection. */
  readonly name: string;
}

/** Time limit for the answer to a command; the socket is closed a little later. */
const COMMAND_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 3_000;
const SENTINEL_TIMEOUT_MS = 1_000;

/** For every server with data, including servers that a sentinel or node names. */
function hardened(connection: RedisConnection, name: string) {
  const { username, password, tls, guard } = connection;
  return {
    ...(username !== '' && { username }),
    ...(password !== '' && { password }),
    ...(tls !== null && { tls: tlsOptions(tls) }),
    ...(guard !== null && { Connector: guardedConnector(guard) }),
    connectionName: name,
    protocol: 2,
    disableClientInfo: true,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    maxLoadingRetryTime: 500,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: 500,
    keepAlive: 5_000,
  } satisfies RedisOptions;
}

function tlsOptions({ ca, cert, key, serverName }: RedisTls) {
  return {
    ...(ca !== '' && { ca }),
    ...(cert !== '' && { cert, key }),
    ...(serverName !== '' && { servername: serverName }),
  };
}

/** The address of the server, or those of the sentinels. */
function whereabouts(connection: RedisConnection): RedisOptions {
  const { nodes, sentinel, tls, database, guard } = connection;
  if (sentinel === null) return { ...nodes[0], db: database };
  const { masterName, username, password } = sentinel;
  return {
    sentinels: [...nodes],
    name: masterName,
    db: database,
    Connector: sentinelConnector(guard),
    failoverDetector: true,
    // A sentinel that hangs must not delay the search.
    sentinelCommandTimeout: SENTINEL_TIMEOUT_MS,
    sentinelReconnectStrategy: (attempt) => reconnectDelay(attempt),
    ...(username !== '' && { sentinelUsername: username }),
    ...(password !== '' && { sentinelPassword: password }),
    ...(tls !== null && { sentinelTLS: tlsOptions(tls), enableTLSForSentinelMode: true }),
  };
}

function single(
  connection: RedisConnection,
  options: RedisClientOptions & { level: 'warn' | 'debug' },
  more: RedisOptions,
): Redis {
  const given = {
    ...hardened(connection, options.name),
    ...whereabouts(connection),
    ...more,
    enableOfflineQueue: false,
    replyMapping: 'legacy' as const,
  };
  const client = more.lazyConnect === true ? new Redis(given) : new LastingRedis(given);
  watchOutages(client, options);
  refuseOtherDatabase(client);
  return client;
}

/** A refused SELECT does not end the handshake by itself: commands would use database 0. */
function refuseOtherDatabase(client: Redis): void {
  client.on('error', (error: unknown) => {
    const command = error instanceof Error && 'command' in error ? (error.command as { name?: unknown }) : null;
    if (command?.name === 'select') client.disconnect(true);
  });
}

const answersAtOnce = {
  commandTimeout: COMMAND_TIMEOUT_MS,
  // A half-open connection answers nothing and never closes by itself.
  socketTimeout: COMMAND_TIMEOUT_MS + 500,
};

/** For commands that answer at once. Starts to connect, and retries until `disconnect()`. */
export function commandClient(address: RedisAddress, options: RedisClientOptions): RedisClient {
  const connection = connectionOf(address);
  if (connection.mode === 'Cluster') {
    return clusterClient(connection, {
      ...options,
      redisOptions: { ...hardened(connection, options.name), ...answersAtOnce },
    });
  }
  return single(
    connection,
    { ...options, level: 'warn' },
    {
      ...answersAtOnce,
      // The master has become a replica: its address, or the sentinels, lead to the new one.
      reconnectOnError: (error) => error.message.startsWith('READONLY'),
      retryStrategy: (attempt) => reconnectDelay(attempt),
      sentinelRetryStrategy: (attempt) => reconnectDelay(attempt),
    },
  );
}

/**
 * For one blocking command at a time, without a time limit of its own: the caller has a watchdog. Not connected yet
 * (call `connect()`), and never reconnects. In a cluster it is for one node.
 */
export function blockingClient(address: RedisAddress, options: RedisClientOptions & { node?: RedisNode }): Redis {
  const connection = connectionOf(address);
  const { node, ...rest } = options;
  const target = node === undefined ? connection : { ...connection, nodes: [node], sentinel: null };
  // Each attempt is a new client; the command client of the same Redis reports the outage.
  return single(
    target,
    { ...rest, level: 'debug' },
    { lazyConnect: true, retryStrategy: () => null, sentinelRetryStrategy: () => null },
  );
}

/** For queries to one sentinel. Starts to connect, and retries; the user of the master reports errors. */
export function sentinelClient(connection: RedisConnection, node: RedisNode): Redis {
  const { sentinel, tls } = connection;
  const login = { username: sentinel?.username ?? '', password: sentinel?.password ?? '' };
  const client = new Redis({
    ...hardened({ ...connection, ...login }, 'firehose:sentinel'),
    ...node,
    ...(tls !== null && { tls: tlsOptions(tls) }),
    commandTimeout: SENTINEL_TIMEOUT_MS,
    socketTimeout: SENTINEL_TIMEOUT_MS + 500,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    replyMapping: 'legacy',
    retryStrategy: (attempt) => reconnectDelay(attempt),
  });
  // Expected while a Sentinel is down: its commands are rejected, and report it.
  client.on('error', () => undefined);
  return client;
}

/**
 * Whether the client is ready for commands, or becomes so within `ms`. Failed attempts to connect do not end the wait.
 */
export function becomesReady(client: RedisClient, ms: number): Promise<boolean> {
  if (client.status === 'ready' || client.status === 'end') return Promise.resolve(client.status === 'ready');
  return new Promise((resolve) => {
    const ready = () => settle(true);
    const ended = () => settle(false);
    const timer = setTimeout(ended, ms);
    const settle = (outcome: boolean) => {
      clearTimeout(timer);
      client.off('ready', ready);
      client.off('end', ended);
      resolve(outcome);
    };
    client.once('ready', ready);
    client.once('end', ended);
  });
}
