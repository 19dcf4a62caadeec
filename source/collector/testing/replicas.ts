import { decodeMeta } from '../../../protocol/entry.ts';
import { streamKeys } from '../../../protocol/keys.ts';
import type { EventLog } from '../../../event-log/event-log.ts';
import { openRedisLog, type RedisLog } from '../../../event-log/redis-log.ts';
import { silentLogger } from '../../../runtime/logging/logger.ts';
import type { RedisClient } from '../../../runtime/redis/client.ts';
import type { RedisAddress } from '../../../runtime/redis/connection.ts';
import { openCollector, type Collector, type CollectorOptions } from '../collector.ts';

const SOURCE = 'voice/pbx';
export const PARTITIONS = 4;

/** A replica of a source in this process, with a log and a collector of its own. */
export interface Replica extends AsyncDisposable {
  readonly name: string;
  readonly log: RedisLog;
  readonly collector: Collector;
  /** Whether it publishes the endpoint's events. */
  leads(endpoint: string): boolean;
  isLive(endpoint: string): boolean;
  isInStep(endpoint: string): boolean;
}

export type ReplicaOptions = Pick<CollectorOptions, 'endpoints'> &
  Partial<Pick<CollectorOptions, 'limits' | 'observer' | 'logger'>> & {
    readonly redis: RedisAddress;
    readonly keyPrefix: string;
    readonly waitReplicas?: number;
    /** Intercepts the log: a delay or a refusal. */
    readonly slowed?: (log: Pick<EventLog, 'append'>) => EventLog['append'];
  };

export async function startReplica(name: string, options: ReplicaOptions): Promise<Replica> {
  const { redis, keyPrefix, logger = silentLogger, slowed, waitReplicas = 0, ...given } = options;
  await using stack = new AsyncDisposableStack();
  const log = stack.use(
    await openRedisLog({
      redis,
      keyPrefix,
      partitions: PARTITIONS,
      waitReplicas,
      resource: null,
      retention: { maxLength: 1_000_000, maxAgeMs: 3_600_000 },
      logger,
    }),
  );
  const collector = stack.use(
    openCollector({
      source: SOURCE,
      replica: name,
      client: log.client,
      keyPrefix,
      logger,
      eventLog: slowed === undefined ? log : { partitions: log.partitions, append: slowed(log) },
      random: () => 0.5,
      ...given,
    }),
  );
  const owned = stack.move();
  const of = (endpoint: string) => collector.figures().endpoints.find((one) => one.endpoint === endpoint);
  return {
    name,
    log,
    collector,
    leads: (endpoint) => of(endpoint)?.isLeading ?? false,
    isLive: (endpoint) => of(endpoint)?.isLive ?? false,
    isInStep: (endpoint) => of(endpoint)?.isInStep ?? false,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

export interface Stored {
  readonly partition: number;
  readonly name: string;
  readonly account: string;
  readonly callId: string;
  readonly eventId: string;
  readonly data: string;
}

/** All entries of the log, partition after partition, each in order. */
export async function stored(reader: RedisClient, keyPrefix: string): Promise<readonly Stored[]> {
  const entries: Stored[] = [];
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const found = (await reader.xrange(streamKeys(keyPrefix, partition).events, '-', '+')) as [string, string[]][];
    for (const [, [, meta = '', , data = '']] of found) {
      const { name = '', account = '', callId = '', eventId = '' } = decodeMeta(meta) ?? {};
      entries.push({ partition, name, account, callId, eventId, data });
    }
  }
  return entries;
}
