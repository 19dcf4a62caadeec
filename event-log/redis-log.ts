import { Cluster } from 'ioredis';
import { streamKeys } from '../protocol/keys.ts';
import { partitionOf } from '../protocol/partition.ts';
import type { Logger } from '../runtime/logging/logger.ts';
import { becomesReady, blockingClient, commandClient, type RedisClient } from '../runtime/redis/client.ts';
import { connectionOf, type RedisAddress, type RedisNode } from '../runtime/redis/connection.ts';
import { redisErrorCode } from '../runtime/redis/error-code.ts';
import { MasterWatch } from '../runtime/redis/master-watch.ts';
import { outageCode } from '../runtime/redis/outage.ts';
import { remedyFor } from '../runtime/redis/remedy.ts';
import { ClusterReader } from './cluster-reader.ts';
import { decodeEntry, type RawEntry } from './decode-entry.ts';
import { LogUnavailable, type AppendOutcome, type EventLog, type LogReader, type NewEvent } from './event-log.ts';
import { currentEpoch, logState, partitionStates, type FollowedPlace, type LogPlace } from './partition-state.ts';
import { RedisAppender, type AppendPlace } from './redis-appender.ts';
import { KnownStreams } from './known-streams.ts';
import { RedisReader } from './redis-reader.ts';
import type { Retention } from './provisioning/retention.ts';
import { keepTrimmed } from './trim.ts';

const FIRST_CONNECT_MS = 1_000;
const MOST_IN_A_PAGE = 1_000;

/** More than eight members: most are settings of single parts of the log, which only the log knows. */
export interface RedisLogOptions {
  /** Never logged. */
  readonly redis: RedisAddress;
  readonly keyPrefix: string;
  readonly partitions: number;
  /**
   * `<namespace>/<name>`: the owner of the registered retention. Null for a process that serves no resource: its
   * retention counts while no resource has one.
   */
  readonly resource: string | null;
  /**
   * The retention that this resource requests; null when the streams are managed elsewhere: nothing is trimmed then.
   */
  readonly retention: Retention | null;
  /** How many replicas must have an event before it is acknowledged; default 0. */
  readonly waitReplicas?: number;
  readonly logger: Logger;
  /** Called with each connection for commands. */
  readonly onClient?: (role: 'commands' | 'append', client: RedisClient) => void;
  /** Default 10,000. */
  readonly trimEveryMs?: number;
  /** Milliseconds between two checks of readers that the streams are still the same; default 5,000. */
  readonly checkEveryMs?: number;
}

export interface RedisLog extends EventLog {
  /** For commands of other rooms that do not block, such as rate limits; never for a blocking one. */
  readonly client: RedisClient;
}

/** The failure in the terms of the contract. */
function unavailable(client: RedisClient, error: unknown): LogUnavailable {
  const code = redisErrorCode(error);
  return new LogUnavailable(code === 'UNREACHABLE' ? (outageCode(client) ?? code) : code);
}

async function page(place: LogPlace, partition: number, input: { afterId: string; count: number }) {
  const key = streamKeys(place.keyPrefix, partition).events;
  const count = Math.min(input.count, MOST_IN_A_PAGE);
  try {
    const reply = await place.client.callBuffer('xrange', key, `(${input.afterId}`, '+', 'COUNT', count);
    return (reply as readonly RawEntry[]).map((raw) => decodeEntry(partition, raw));
  } catch (error) {
    throw unavailable(place.client, error);
  }
}

/** Waits a moment for Redis, so that a normal start has its streams and epoch. */
async function firstLook(place: FollowedPlace, logger: Logger): Promise<void> {
  if (!(await becomesReady(place.client, FIRST_CONNECT_MS))) return;
  try {
    await partitionStates(place);
  } catch (error) {
    const code = redisErrorCode(error);
    logger.error({ code, ...remedyFor(code) }, 'the streams cannot be created or read');
  }
}

/** `closing`: appends that a stop interrupts are not faults of the log. */
function appendTo(place: AppendPlace, logger: Logger, closing: AbortSignal): EventLog['append'] {
  const appenders = Array.from({ length: place.partitions }, (_, partition) => new RedisAppender(place, partition));
  const tell = appendFaults(logger);
  return (events: readonly NewEvent[]) =>
    Promise.all(
      events.map(async (event) => {
        const partition = partitionOf(event, place.partitions);
        const outcome = (await appenders[partition]?.append(event)) ?? NO_PARTITION;
        if (!closing.aborted) tell(partition, outcome);
        return outcome;
      }),
    );
}

const NO_PARTITION: AppendOutcome = { outcome: 'failed', code: 'NO_PARTITION' };

/** One line for each reason, and one when every partition accepts events again. */
function appendFaults(logger: Logger): (partition: number, outcome: AppendOutcome) => void {
  const failing = new Set<number>();
  const told = new Set<string>();
  return (partition, outcome) => {
    if (outcome.outcome !== 'failed') {
      if (!failing.delete(partition) || failing.size > 0) return;
      told.clear();
      logger.info('events can be appended again');
      return;
    }
    failing.add(partition);
    const { code } = outcome;
    if (told.has(code)) return;
    told.add(code);
    logger.error({ code, ...remedyFor(code) }, 'events cannot be appended: their producers receive an error');
  };
}

function placeOf(address: RedisAddress): EventLog['place'] {
  const { mode, nodes, database } = connectionOf(address);
  const hosts = nodes.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`).join(',');
  return { event_log: `Redis, ${mode}`, hosts, ...(mode !== 'Cluster' && { database }) };
}

/** The timer keeps the process alive: a client that was reconnecting emits no end. */
async function leave(client: RedisClient, limitMs: number): Promise<void> {
  const isEnded = client.status === 'end';
  const { promise: ended, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, isEnded ? 0 : limitMs);
  client.once('end', resolve);
  client.disconnect();
  await ended;
  clearTimeout(timer);
}

function openReader(place: FollowedPlace, options: RedisLogOptions & { readonly checkEveryMs: number }): LogReader {
  const { redis, logger, checkEveryMs } = options;
  const { client } = place;
  const name = 'firehose:reader';
  if (client instanceof Cluster) {
    const open = (node: RedisNode) => blockingClient(redis, { logger, name, node });
    return new ClusterReader({ place: { ...place, client }, logger, open, checkEveryMs });
  }
  return new RedisReader({ place, logger, open: () => blockingClient(redis, { logger, name }), checkEveryMs });
}

/**
 * The event log on Redis Streams. Never rejects. It retries while Redis is away; until then `state`, `range` and `read`
 * reject with LogUnavailable and `append` answers `failed`, each with the reason's code.
 */
export async function openRedisLog(options: RedisLogOptions): Promise<RedisLog> {
  const { redis, keyPrefix, partitions, logger } = options;
  const client = commandClient(redis, { logger, name: 'firehose:commands' });
  const known = new KnownStreams(options.resource);
  const place: FollowedPlace = { client, keyPrefix, partitions, known };
  options.onClient?.('commands', client);
  const { waitReplicas = 0 } = options;
  // WAIT blocks its connection.
  const appending = waitReplicas === 0 ? client : commandClient(redis, { logger, name: 'firehose:append' });
  if (appending !== client) options.onClient?.('append', appending);
  const watch = waitReplicas === 0 ? null : MasterWatch.of(connectionOf(redis), appending);
  const confirm = watch === null ? {} : { confirm: () => watch.confirm() };
  await Promise.all([firstLook(place, logger), becomesReady(appending, FIRST_CONNECT_MS)]);
  const closing = new AbortController();
  const readers = new Set<LogReader>();
  const { retention, resource } = options;
  const intervalMs = options.trimEveryMs ?? 10_000;
  const trimming = retention && keepTrimmed(place, { resource, retention, intervalMs, logger, signal: closing.signal });
  // Streams that are managed elsewhere may have other readers that register nothing.
  const isManaged = options.resource === null || retention !== null;
  return {
    place: placeOf(redis),
    partitions,
    client,
    cursors: known.cursors,
    newest: known.newest,
    get isShared() {
      return known.isShared || !isManaged;
    },
    async state() {
      try {
        return logState(await partitionStates(place));
      } catch (error) {
        throw unavailable(client, error);
      }
    },
    async epoch() {
      try {
        return await currentEpoch(place);
      } catch (error) {
        throw unavailable(client, error);
      }
    },
    append: appendTo({ ...place, client: appending, waitReplicas, ...confirm }, logger, closing.signal),
    range: (partition, afterId, count) => page(place, partition, { afterId, count }),
    reader() {
      const reader = openReader(place, { ...options, checkEveryMs: options.checkEveryMs ?? 5_000 });
      readers.add(reader);
      return reader;
    },
    async [Symbol.asyncDispose]() {
      closing.abort();
      watch?.[Symbol.dispose]();
      for (const reader of readers) await reader[Symbol.asyncDispose]();
      await Promise.all([client, appending].map((one) => leave(one, 1_000)));
      await trimming;
    },
  };
}
