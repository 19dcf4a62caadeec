import type { GatewayConfig } from '../../gateway/config.ts';
import { DirectoryFault } from '../../gateway/directory/fault.ts';
import { loadDirectory } from '../../gateway/directory/load-directory.ts';
import { ENTRY_FORMAT, META_FIELD } from '../../protocol/entry.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import type { RedisConnection } from '../../runtime/redis/connection.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { outageCode } from '../../runtime/redis/outage.ts';
import { remedyFor } from '../../runtime/redis/remedy.ts';
import { liveReplicas } from '../../event-log/provisioning/replicas.ts';
import { milliseconds, type PartitionReport } from '../../event-log/provisioning/report.ts';
import { reportGroups } from '../../event-log/provisioning/report-groups.ts';
import { isSharedBy } from '../../event-log/provisioning/retention.ts';
import { judgeCalls, lookAtCalls } from './calls.ts';
import { about, type Finding } from '../../protocol/finding.ts';
import {
  judgeAccounts,
  judgeGroups,
  judgeIds,
  judgeKeys,
  judgeLayout,
  judgeRetention,
  type PartitionLook,
} from './judge-streams.ts';
import type { ServerLook } from './judge-server.ts';
import { PROBE_MS } from './limit.ts';

export interface StreamsInput {
  readonly config: GatewayConfig & { readonly redis: RedisConnection };
  readonly masters: readonly ServerLook[];
  /** Id of the key that signs according to the files here; null for none. */
  readonly signs: string | null;
  /** Unix milliseconds. */
  readonly now: number;
}

/** Present state in Redis, as the gateway will find it. Creates nothing. */
export async function lookAtStreams({ config, ...rest }: StreamsInput): Promise<readonly Finding[]> {
  const client = commandClient(config.redis, { logger: silentLogger, name: 'firehose:doctor' });
  try {
    // The finding of its servers says why it cannot be reached.
    if (!(await becomesReady(client, PROBE_MS))) return [];
    return await judged(client, config, rest);
  } catch (error) {
    const code = redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    const fix = remedyFor(outageCode(client) ?? code).remedy ?? 'fix what is reported of the servers above';
    return [about('streams').fail(`cannot be read (${code})`, fix)];
  } finally {
    client.disconnect();
  }
}

async function judged(
  client: RedisClient,
  config: GatewayConfig,
  { masters, signs, now }: Omit<StreamsInput, 'config'>,
): Promise<readonly Finding[]> {
  const { spec, metadata } = config.subscription;
  const { keyPrefix } = spec.redis;
  const { partitions } = spec.stream;
  const resource = `${metadata.namespace}/${metadata.name}`;
  const looks = await Promise.all(
    Array.from({ length: partitions }, (_, partition) => lookAtPartition(client, keyPrefix, partition)),
  );
  const layout = judgeLayout(looks, { partitions, format: ENTRY_FORMAT });
  const replicas = judgeKeys(await liveReplicas(client, keyPrefix, resource), signs);
  if (layout.some(({ status }) => status === 'fail') || !looks.some(({ exists }) => exists)) {
    return [...layout, ...replicas];
  }
  const report = await reportGroups(client, { keyPrefix, partitions, resource }, spec.consumerGroups);
  const { maxLength } = spec.stream.retention;
  return [
    ...layout,
    ...judgeIds(report.partitions, keyPrefix, now),
    ...(await lookAtAccounts(client, { config, keyPrefix, resource, report: report.partitions })),
    ...judgeRetention(report.partitions, { maxLength, masters }),
    ...judgeCalls(await lookAtCalls(client, keyPrefix, partitions), spec.calls.enabled, now),
    ...judgeGroups(report, { groups: spec.consumerGroups, maxLength }),
    ...replicas,
  ];
}

/** Checked entries of each partition, within the ten minutes before its newest one. */
const SAMPLE = 100;
const RECENT_MS = 600_000;

/**
 * Nothing where other resources use the streams: unknown accounts belong to them. Another check reports faults of the
 * directory.
 */
async function lookAtAccounts(
  client: RedisClient,
  of: {
    readonly config: GatewayConfig;
    readonly keyPrefix: string;
    readonly resource: string;
    readonly report: readonly PartitionReport[];
  },
): Promise<Finding[]> {
  const fields = Object.keys(await client.hgetall(streamKeys(of.keyPrefix, 0).meta));
  if (isSharedBy(fields, of.resource)) return [];
  const accounts = await accountsOf(of.config);
  if (accounts === null) return [];
  const samples = await Promise.all(
    of.report.map(({ newest }, partition) => {
      const from = `${Math.max(0, milliseconds(newest) - RECENT_MS)}`;
      return client.xrange(streamKeys(of.keyPrefix, partition).events, from, '+', 'COUNT', SAMPLE);
    }),
  );
  const metas = samples
    .flat()
    .flatMap(([, pairs]) =>
      pairs.flatMap((field, at) => (field === META_FIELD && at % 2 === 0 ? (pairs[at + 1] ?? []) : [])),
    );
  return judgeAccounts(metas, accounts);
}

/** Null when the directory is faulty or away. */
async function accountsOf(config: GatewayConfig) {
  try {
    return (await loadDirectory(config)).accounts;
  } catch (error) {
    if (error instanceof DirectoryFault) return null;
    throw error;
  }
}

async function lookAtPartition(client: RedisClient, keyPrefix: string, partition: number): Promise<PartitionLook> {
  const keys = streamKeys(keyPrefix, partition);
  const [exists, meta] = await Promise.all([
    client.exists(keys.events),
    client.hmget(keys.meta, 'epoch', 'partitions', 'format'),
  ]);
  const [epoch = null, held = null, format = null] = meta;
  return { exists: exists === 1, epoch, partitions: held, format };
}
