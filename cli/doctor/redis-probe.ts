import type { Redis } from 'ioredis';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { blockingClient } from '../../runtime/redis/client.ts';
import type { RedisConnection, RedisNode } from '../../runtime/redis/connection.ts';
import { withDeadline } from '../../runtime/redis/deadline.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { outageCode } from '../../runtime/redis/outage.ts';
import { remedyFor } from '../../runtime/redis/remedy.ts';
import type { About, Finding } from '../../protocol/finding.ts';
import { PROBE_MS } from './limit.ts';
import { tlsMismatch, type TlsMismatch } from './redis-tls.ts';

const NAME = 'firehose:doctor';

/** One reachable server; every answer has a limit. */
export interface Probe extends Disposable {
  readonly client: Redis;
  ask(command: string, ...args: readonly (string | number)[]): Promise<unknown>;
}

/** Connects to exactly this server, as the gateway would. Returns the code of the obstacle instead. */
export async function probe(connection: RedisConnection, node: RedisNode): Promise<Probe | string> {
  const client = blockingClient(connection, { logger: silentLogger, name: NAME, node });
  try {
    await withDeadline(client.connect(), { ms: PROBE_MS });
  } catch (error) {
    const code = outageCode(client) ?? redisErrorCode(error);
    client.disconnect();
    return (await tlsMismatch(connection, node, code)) ?? code;
  }
  return {
    client,
    ask: (command, ...args) => withDeadline(client.call(command, ...args), { ms: PROBE_MS }),
    [Symbol.dispose]: () => client.disconnect(),
  };
}

/** The same for a sentinel, which has a login of its own. */
export function probeSentinel(connection: RedisConnection, node: RedisNode): Promise<Probe | string> {
  const { username = '', password = '' } = connection.sentinel ?? {};
  return probe({ ...connection, mode: 'Standalone', sentinel: null, database: 0, username, password }, node);
}

export function addressOf({ host, port }: RedisNode): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

const TLS_REMEDIES: Readonly<Record<TlsMismatch, string>> = {
  TLS_REQUIRED: 'the server speaks TLS at this port: write rediss:// in REDIS_URL, or set spec.redis.tls.enabled',
  TLS_ABSENT: 'the server speaks no TLS at this port: write redis:// in REDIS_URL, or the port on which it does',
};

/** A gateway waits for these to end; the user of doctor should see them. */
const PASSING: Readonly<Record<string, string>> = {
  ...TLS_REMEDIES,
  LOADING: 'wait until it has loaded its data',
  BUSY: 'a script has run for too long: SCRIPT KILL ends it',
  TIMEOUT: 'something there takes connections and does not answer: a paused process, a firewall that drops',
};
const OTHERWISE = 'is the address right, the server up, and the way to it open (NetworkPolicy, firewall)?';

export function unreachable(say: About, code: string): Finding {
  return say.fail(`cannot be used (${code})`, remedyFor(code).remedy ?? PASSING[code] ?? OTHERWISE);
}
