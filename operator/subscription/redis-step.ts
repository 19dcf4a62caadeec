import type { RedisClient } from '../../runtime/redis/client.ts';
import { formerGroupName, groupName } from '../../protocol/keys.ts';
import { durationMs, type Subscription } from '../../protocol/subscription.ts';
import type { GroupStatus } from '../../protocol/subscription/status.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { registerAccount } from '../../event-log/provisioning/account-groups.ts';
import { startOf } from '../../event-log/provisioning/create-group.ts';
import { provisionStreams } from '../../event-log/provisioning/provision.ts';
import { destroyDeclared } from '../../event-log/provisioning/release.ts';
import type { ServerFacts } from '../redis/server-facts.ts';
import type { Context, Memory } from './context.ts';
import { connectionOf, type RedisSecrets } from './redis-secrets.ts';
import { bad, good, unknown, type Finding } from './findings.ts';

export interface RedisStep {
  readonly redis: Finding;
  readonly groups: Finding;
  /** Null when it cannot be used. */
  readonly client: RedisClient | null;
  readonly facts: ServerFacts | null;
}

export const resourceOf = ({ metadata }: Subscription) => `${metadata.namespace}/${metadata.name}`;

/**
 * Connects, and creates streams, epoch and groups on every partition: before the first gateway starts, and again in
 * every pass.
 */
export async function redisStep(
  context: Context,
  memory: Memory,
  input: { subscription: Subscription; secrets: RedisSecrets | null; before: readonly GroupStatus[] },
): Promise<RedisStep> {
  const { subscription, secrets } = input;
  const connected = await connectRedis(context, memory, { spec: subscription.spec.redis, secrets });
  const { redis, client, facts } = connected;
  if (client === null) {
    const groups = secrets === null ? redis : unknown(redis.reason, 'Redis cannot be asked');
    return { redis, groups, client, facts };
  }
  try {
    context.assertMayWrite();
    await provisionStreams(client, needsOf(subscription));
    await registerDeclared(client, subscription);
    await destroyUndeclared(context, client, input);
    const names = subscription.spec.consumerGroups.map(({ name }) => name);
    return { redis, groups: good('Provisioned', `on every partition: ${names.join(', ')}`), client, facts };
  } catch (error) {
    return { redis, groups: judge(error, subscription), client, facts };
  }
}

/** Connects to the Redis that a resource names; the finding says why not. */
export async function connectRedis(
  context: Context,
  memory: Memory,
  { spec, secrets }: { spec: Subscription['spec']['redis']; secrets: RedisSecrets | null },
): Promise<Omit<RedisStep, 'groups'>> {
  const none = { client: null, facts: null };
  if (secrets === null) return { redis: unknown('ReferencesMissing', 'it is not known where Redis is'), ...none };
  const address = connectionOf(spec, secrets);
  if ('faults' in address) return { redis: bad('RedisSettingsInvalid', address.faults.join('; '), true), ...none };
  const connected = await context.redis.connect(address.connection);
  if (!connected.ok) return { redis: bad(connected.reason, connected.message, connected.isFinal), ...none };
  memory.redis = address.connection;
  const { client, facts } = connected;
  return { redis: good('Connected', `Redis ${facts.version}, persistence ${facts.persistence}`), client, facts };
}

function needsOf(subscription: Subscription) {
  const { redis, stream, consumerGroups } = subscription.spec;
  const resource = resourceOf(subscription);
  const { maxLength, maxAge } = stream.retention;
  return {
    keyPrefix: redis.keyPrefix,
    partitions: stream.partitions,
    resource,
    retention: stream.management === 'Managed' ? { maxLength, maxAgeMs: durationMs(maxAge) } : null,
    // A gateway creates a group that is not declared for an account, at the account's first connection.
    groups: consumerGroups.flatMap((group) =>
      group.account === undefined
        ? []
        : [
            {
              name: groupName(resource, group.name, group.account),
              start: startOf(group),
              former: formerGroupName(resource, group.name),
            },
          ],
    ),
  };
}

/**
 * Groups that are declared for an account are in the register from the start, so that they are known when undeclared.
 */
async function registerDeclared(client: RedisClient, subscription: Subscription): Promise<void> {
  const { redis, consumerGroups } = subscription.spec;
  const resource = resourceOf(subscription);
  for (const { name: group, account } of consumerGroups) {
    if (account === undefined) continue;
    await registerAccount(client, redis.keyPrefix, { resource, group, account, wasUsed: false });
  }
}

/** A group that the status contains and the spec does not: its last declared policy decides. */
async function destroyUndeclared(
  context: Context,
  client: RedisClient,
  { subscription, before }: { subscription: Subscription; before: readonly GroupStatus[] },
): Promise<void> {
  const { redis, stream, consumerGroups } = subscription.spec;
  const where = { keyPrefix: redis.keyPrefix, partitions: stream.partitions };
  for (const { name, deletionPolicy } of before) {
    if (deletionPolicy !== 'Delete' || consumerGroups.some((group) => group.name === name)) continue;
    context.assertMayWrite();
    await destroyDeclared(client, where, { resource: resourceOf(subscription), group: name });
    context.logger.info({ resource: resourceOf(subscription), group: name }, 'a consumer group was deleted');
  }
}

function judge(error: unknown, { spec }: Subscription): Finding {
  const code = redisErrorCode(error);
  if (code === 'PARTITIONS_MISMATCH') {
    const hint = 'set stream.partitions to theirs, or another redis.keyPrefix, in a new resource';
    return bad(
      'PartitionsMismatch',
      `the streams have another number of partitions than ${spec.stream.partitions}: ${hint}`,
      true,
    );
  }
  if (code === 'UNKNOWN' && !(error instanceof Error && 'command' in error)) throw error;
  return bad('RedisRefused', `streams or groups cannot be made (${code})`);
}
