import type { RedisClient } from '../../runtime/redis/client.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import type { GroupStatus, SubscriptionStatus } from '../../protocol/subscription/status.ts';
import { milliseconds } from '../../event-log/provisioning/report.ts';
import { reportGroups, type GroupSummary } from '../../event-log/provisioning/report-groups.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { resourceOf, type RedisStep } from './redis-step.ts';
import { readSenders } from './sender-states.ts';

/** Present state of a resource in Redis. */
export interface StreamsReadBack {
  readonly stream: NonNullable<SubscriptionStatus['stream']>;
  readonly groups: readonly GroupStatus[];
  readonly lag: number;
}

/** Null while it cannot be known. `before` are the groups of the last status. */
export async function readStreams(
  { client, groups }: RedisStep,
  subscription: Subscription,
  { before, now }: { readonly before: readonly GroupStatus[]; readonly now: number },
): Promise<StreamsReadBack | null> {
  if (client === null || groups.status !== 'True') return null;
  try {
    return await readBack(client, subscription, { before, now });
  } catch (error) {
    if (redisErrorCode(error) === 'UNKNOWN') throw error;
    return null;
  }
}

/** Reads streams, groups, webhooks and sinks. Rejects with the client's error. */
async function readBack(
  client: RedisClient,
  subscription: Subscription,
  { before, now }: { readonly before: readonly GroupStatus[]; readonly now: number },
): Promise<StreamsReadBack> {
  const { redis, stream, consumerGroups } = subscription.spec;
  const resource = resourceOf(subscription);
  // A group that was declared earlier and retained is still reported.
  const retained = before.filter(
    ({ name, deletionPolicy }) => deletionPolicy === 'Retain' && !consumerGroups.some((group) => group.name === name),
  );
  const wanted = [...consumerGroups, ...retained];
  const place = { keyPrefix: redis.keyPrefix, partitions: stream.partitions, resource };
  const report = await reportGroups(client, place, wanted);
  const senders = await readSenders(client, subscription, { resource, now });
  const groups = wanted
    .flatMap((group, at) => {
      const summary = report.groups[at];
      return summary === undefined ? [] : [{ ...groupStatus(group, summary), ...senders.get(group.name) }];
    })
    .filter(({ name, accounts = 0 }) => accounts > 0 || consumerGroups.some((group) => group.name === name));
  const reports = report.partitions;
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

/** Sums over the accounts. A group that no connection has used yet has no lag. */
function groupStatus(
  { name, deletionPolicy }: Pick<GroupStatus, 'name' | 'deletionPolicy'>,
  summary: GroupSummary,
): GroupStatus {
  const { accounts, used, missing, lag, isExact, pending, consumers, oldestPendingAt, dead } = summary;
  if (missing > 0) return { name, state: 'Missing', accounts, deletionPolicy };
  if (used === 0) return { name, state: 'Unused', accounts, deadLettered: dead, deletionPolicy };
  return {
    name,
    state: 'Ready',
    accounts,
    lag,
    lagExact: isExact,
    pending,
    consumers,
    ...(oldestPendingAt !== null && { oldestPendingTime: timeOf(oldestPendingAt) }),
    deadLettered: dead,
    deletionPolicy,
  };
}

function total<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((sum, item) => sum + amount(item), 0);
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}
