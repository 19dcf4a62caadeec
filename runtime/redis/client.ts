import { Redis, type RedisOptions } from 'ioredis';
import type { Log } from '../log/log.ts';
import { watchOutages } from './outage.ts';

export interface RedisClientOptions {
  readonly log: Log;
  /** Shown by CLIENT LIST and in the log: what this connection is for. */
  readonly name: string;
}

/** A command's answer is waited for this long; the socket is given up a little later. */
export const COMMAND_TIMEOUT_MS = 3_000;
const CONNECT_TIMEOUT_MS = 3_000;
const RETRY_CAP_MS = 2_000;

/** Delay before connection attempt `attempt` (from 1): doubling from 50 ms to 2 s, half of it jitter. */
export function reconnectDelay(attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(50 * 2 ** Math.min(attempt, 10), RETRY_CAP_MS);
  return Math.round(ceiling * (0.5 + random() / 2));
}

function hardened(name: string) {
  return {
    connectionName: name,
    protocol: 2,
    disableClientInfo: true,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    maxLoadingRetryTime: 500,
    connectTimeout: CONNECT_TIMEOUT_MS,
    disconnectTimeout: 500,
    keepAlive: 5_000,
    failoverDetector: true,
  } satisfies RedisOptions;
}

/** For commands that answer at once. Starts connecting, and goes on trying until `disconnect()`. */
export function commandClient(url: string, options: RedisClientOptions): Redis {
  const client = new Redis(url, {
    ...hardened(options.name),
    commandTimeout: COMMAND_TIMEOUT_MS,
    // A half-open connection answers nothing and never closes by itself.
    socketTimeout: COMMAND_TIMEOUT_MS + 500,
    retryStrategy: (attempt) => reconnectDelay(attempt),
  });
  watchOutages(client, { ...options, level: 'warn' });
  return client;
}

/**
 * For one blocking command at a time, without a time limit of its own: the caller holds a watchdog. Not connected yet
 * (call `connect()`), and never reconnects.
 */
export function blockingClient(url: string, options: RedisClientOptions): Redis {
  const client = new Redis(url, { ...hardened(options.name), lazyConnect: true, retryStrategy: () => null });
  // Each attempt is another client, and the command client of the same Redis tells the outage.
  watchOutages(client, { ...options, level: 'debug' });
  return client;
}

/** Whether the client is, or within `ms` becomes, ready for commands. Failed attempts to connect do not end the wait. */
export function becomesReady(client: Redis, ms: number): Promise<boolean> {
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
