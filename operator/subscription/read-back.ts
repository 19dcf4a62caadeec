import type { RedisClient } from '../../runtime/redis/client.ts';
import { groupName } from '../../protocol/keys.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import type { GroupStatus, SubscriptionStatus } from '../../protocol/subscription/status.ts';
import { lagOf, milliseconds, reportStreams, type PartitionReport } from '../../event-log/provisioning/report.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { resourceOf, type RedisStep } from './redis-step.ts';

/** What Redis holds for a resource now. */
export interface StreamsReadBack {
  readonly stream: NonNullable<SubscriptionStatus['stream']>;
  readonly groups: readonly GroupStatus[];
  readonly lag: number;
}

/** Null while it cannot be known. */
export async function readStreams(
  { client, groups }: RedisStep,
  subscription: Subscription,
  before: readonly GroupStatus[],
): Promise<StreamsReadBack | null> {
  if (client === null || groups.status !== 'True') return null;
  try {
    return await readBack(client, subscription, before);
  } catch (error) {
    if (redisErrorCode(error) === 'UNKNOWN') throw error;
    return null;
  }
}

/** Reads streams and groups. Rejects with the client's error. `before` are the groups of the last status. */
async function readBack(
  client: RedisClient,
  subscription: Subscription,
  before: readonly GroupStatus[],
): Promise<StreamsReadBack> {
  const { redis, stream, consumerGroups } = subscription.spec;
  const resource = resourceOf(subscription);
  // A retained group of earlier is still ours to tell of.
  const retained = before.filter(
    ({ name, deletionPolicy }) => deletionPolicy === 'Retain' && !consumerGroups.some((group) => group.name === name),
  );
  const wanted = [...consumerGroups, ...retained];
  const where = { keyPrefix: redis.keyPrefix, partitions: stream.partitions };
  const names = wanted.map(({ name }) => groupName(resource, name));
  const reports = await reportStreams(client, where, names);
  const groups = wanted
    .map(({ name, deletionPolicy }) => groupStatus(reports, { name, deletionPolicy, key: groupName(resource, name) }))
    .filter(({ name, state }) => state === 'Ready' || consumerGroups.some((group) => group.name === name));
  const oldest = reports.map((report) => report.oldest).filter((id) => id !== '');
  return {
    stream: {
      partitions: stream.partitions,
      length: total(reports, (report) => report.length),
      bytes: total(reports, (report) => report.bytes),
      ...(oldest.length > 0 && { oldestEntryTime: timeOf(Math.min(...oldest.map(milliseconds))) }),
    },
    groups,
    lag: groups.reduce((sum, group) => sum + (group.lag ?? 0), 0),
  };
}

function groupStatus(
  reports: readonly PartitionReport[],
  group: { name: string; deletionPolicy: GroupStatus['deletionPolicy']; key: string },
): GroupStatus {
  const { name, deletionPolicy, key } = group;
  const found = reports.flatMap((report) => {
    const inPartition = report.groups[key];
    return inPartition === undefined ? [] : [{ ...inPartition, ...lagOf(report, inPartition) }];
  });
  if (found.length < reports.length || found.length === 0) return { name, state: 'Missing', deletionPolicy };
  const pendingSince = found.map(({ oldestPending }) => oldestPending).filter((id) => id !== '');
  return {
    name,
    state: 'Ready',
    lag: total(found, (one) => one.lag),
    lagExact: found.every(({ isExact }) => isExact),
    pending: total(found, (one) => one.pending),
    consumers: Math.max(...found.map(({ consumers }) => consumers)),
    ...(pendingSince.length > 0 && { oldestPendingTime: timeOf(Math.min(...pendingSince.map(milliseconds))) }),
    deadLettered: total(found, (one) => one.dead),
    deletionPolicy,
  };
}

function total<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((sum, item) => sum + amount(item), 0);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
