import { createHash } from 'node:crypto';
import { outsideOfSpans } from '../../runtime/telemetry/span.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { judgeHost } from '../../runtime/net/address-guard.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import type { RedisConnection } from '../../runtime/redis/connection.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { outageCode } from '../../runtime/redis/outage.ts';
import { serverFacts, type ServerFacts } from './server-facts.ts';

export interface RedisPoolOptions {
  readonly logger: Logger;
  /** The operator runs outside of a cluster, beside a developer's Redis. */
  readonly allowLoopback: boolean;
  readonly now?: () => number;
}

type Connected =
  | { readonly ok: true; readonly client: RedisClient; readonly facts: ServerFacts }
  /** `isFinal`: only a change by a person helps. The message never contains the URL or a host's answer. */
  | { readonly ok: false; readonly reason: string; readonly message: string; readonly isFinal: boolean };

/** Connections to the Redis servers that resources name, shared by all that name the same one. */
export interface RedisPool extends AsyncDisposable {
  connect(connection: RedisConnection): Promise<Connected>;
  readonly size: number;
}

interface Entry {
  readonly client: RedisClient;
  usedAt: number;
  facts: { readonly value: ServerFacts; readonly at: number } | null;
  /** The last wait failed: the next ones are short. */
  isAway: boolean;
}

const NAMED = 'a server that the sentinels or the cluster name is';
const FIRST_WAIT_MS = 5_000;
const NEXT_WAIT_MS = 50;
const FACTS_FOR_MS = 60_000;
const IDLE_MS = 120_000;
const SWEEP_MS = 30_000;

export function createRedisPool(options: RedisPoolOptions): RedisPool {
  const now = options.now ?? (() => performance.now());
  const entries = new Map<string, Entry>();
  const sweep = setInterval(() => {
    for (const [key, entry] of entries) {
      if (now() - entry.usedAt < IDLE_MS) continue;
      entries.delete(key);
      entry.client.disconnect();
    }
  }, SWEEP_MS).unref();

  return {
    get size() {
      return entries.size;
    },
    async connect(connection) {
      const judged = await Promise.all(connection.nodes.map(({ host }) => judgeHost(host, options)));
      if (judged.includes('refused')) {
        return refused('a host in the URL is, or resolves to,');
      }
      if (!judged.includes('allowed')) return failed('RedisUnreachable', 'no host in the URL is found', false);
      const key = createHash('sha256').update(JSON.stringify(connection)).digest('base64');
      let entry = entries.get(key);
      if (entry === undefined) {
        // It reconnects on behalf of all later resources.
        const client = outsideOfSpans(() => open(connection, options));
        entry = { client, usedAt: 0, facts: null, isAway: false };
        entries.set(key, entry);
      }
      entry.usedAt = now();
      return use(entry, now);
    },
    async [Symbol.asyncDispose]() {
      clearInterval(sweep);
      for (const { client } of entries.values()) client.disconnect();
      entries.clear();
    },
  };
}

/** Sentinels and clusters name servers themselves, and names change: the guard checks each connection (runtime/net). */
function open(connection: RedisConnection, { logger, allowLoopback }: RedisPoolOptions): RedisClient {
  return commandClient({ ...connection, guard: { allowLoopback } }, { logger, name: 'firehose:operator' });
}

async function use(entry: Entry, now: () => number): Promise<Connected> {
  const { client } = entry;
  if (!(await becomesReady(client, entry.isAway ? NEXT_WAIT_MS : FIRST_WAIT_MS))) {
    entry.isAway = true;
    const code = outageCode(client) ?? 'TIMEOUT';
    if (code === 'ADDRESS_REFUSED') return refused(NAMED);
    return unreachable(code);
  }
  entry.isAway = false;
  try {
    if (entry.facts === null || now() - entry.facts.at > FACTS_FOR_MS) {
      entry.facts = { value: await serverFacts(client), at: now() };
    }
  } catch (error) {
    if (outageCode(client) === 'ADDRESS_REFUSED') return refused(NAMED);
    return unreachable(redisErrorCode(error));
  }
  const facts = entry.facts.value;
  if (facts.isSupported) return { ok: true, client, facts };
  return failed('RedisTooOld', `Redis ${facts.version.slice(0, 20)} is too old: 7.0 is needed`, true);
}

/** Codes are the project's and the Redis protocol's; the text of an answer is never repeated. */
function unreachable(code: string): Connected {
  return failed('RedisUnreachable', `Redis cannot be used (${code})`, false);
}

function refused(what: string): Connected {
  const address = 'a link-local, metadata, loopback or unspecified address';
  return failed('RedisAddressRefused', `${what} ${address}`, true);
}

function failed(reason: string, message: string, isFinal: boolean): Connected {
  return { ok: false, reason, message, isFinal };
}
