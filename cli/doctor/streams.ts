import type { GatewayConfig } from '../../gateway/config.ts';
import { ENTRY_FORMAT } from '../../protocol/entry.ts';
import { groupName, streamKeys } from '../../protocol/keys.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient, type RedisClient } from '../../runtime/redis/client.ts';
import type { RedisConnection } from '../../runtime/redis/connection.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { outageCode } from '../../runtime/redis/outage.ts';
import { remedyFor } from '../../runtime/redis/remedy.ts';
import { liveReplicas } from '../../event-log/provisioning/replicas.ts';
import { reportStreams } from '../../event-log/provisioning/report.ts';
import { about, type Finding } from './finding.ts';
import { judgeGroups, judgeIds, judgeKeys, judgeLayout, judgeRetention, type PartitionLook } from './judge-streams.ts';
import type { ServerLook } from './judge-server.ts';
import { PROBE_MS } from './limit.ts';

export interface StreamsInput {
  readonly config: GatewayConfig & { readonly redis: RedisConnection };
  readonly masters: readonly ServerLook[];
  /** Id of the key that signs by the files here; null for none. */
  readonly signs: string | null;
  /** Unix milliseconds. */
  readonly now: number;
}

/** What lies in Redis by now, as the gateway will find it. Makes nothing. */
export async function lookAtStreams({ config, ...rest }: StreamsInput): Promise<readonly Finding[]> {
  const client = commandClient(config.redis, { logger: silentLogger, name: 'firehose:doctor' });
  try {
    // Why it cannot be reached is the finding of its servers.
    if (!(await becomesReady(client, PROBE_MS))) return [];
    return await judged(client, config, rest);
  } catch (error) {
    const code = redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    const fix = remedyFor(outageCode(client) ?? code).remedy ?? 'mend what is said of the servers above';
    return [about('streams').fail(`cannot be read (${code})`, fix)];
  } finally {
    client.disconnect();
  }
}

async function judged(
  client: RedisClient,
  { subscription }: GatewayConfig,
  { masters, signs, now }: Omit<StreamsInput, 'config'>,
): Promise<readonly Finding[]> {
  const { spec, metadata } = subscription;
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
  const names = spec.consumerGroups.map(({ name }) => groupName(resource, name));
  const report = await reportStreams(client, { keyPrefix, partitions }, names);
  const { maxLength } = spec.stream.retention;
  return [
    ...layout,
    ...judgeIds(report, now),
    ...judgeRetention(report, { maxLength, masters }),
    ...judgeGroups(report, { resource, groups: spec.consumerGroups, maxLength }),
    ...replicas,
  ];
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
