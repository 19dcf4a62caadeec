import type { RedisClient } from '../../runtime/redis/client.ts';
import { formerGroupName, streamKeys } from '../../protocol/keys.ts';
import { subscriptionSchema, type Subscription } from '../../protocol/subscription.ts';
import type { GroupStatus, SubscriptionStatus } from '../../protocol/subscription/status.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { liveReplicas } from '../../event-log/provisioning/replicas.ts';
import { releaseOwnWebhooks } from '../../event-log/provisioning/own-webhooks.ts';
import { destroyDeclared, leaveStreams } from '../../event-log/provisioning/release.ts';
import { DEPLOYMENTS, keyOf, SECRETS, SUBSCRIPTIONS, type Kind, type KubeObject } from '../kubernetes/objects.ts';
import { namesOf } from '../resources/rendering.ts';
import type { Context, Memory } from './context.ts';
import { drainLimitMs } from './objects-step.ts';
import { lookUp } from './references.ts';
import { resourceOf } from './redis-step.ts';
import { secretAccess } from './secret-access.ts';
import { connectionOf, lookUpRedis } from './redis-secrets.ts';

export const FINALIZER = 'firehose.dev/redis-cleanup';
/** Annotation on a resource: delete it without cleaning up Redis. */
export const SKIP_ANNOTATION = 'firehose.dev/skip-redis-cleanup';

/** What is left to do: nothing, or another pass after a while. */
export type Finalized = { readonly done: true } | { readonly done: false; readonly why: string };

export type CleanUp =
  | { readonly kind: 'cleaned'; readonly message: string }
  /** It is not cleaned up; `why` is a part of the Event that names what remains. */
  | { readonly kind: 'left'; readonly why: string }
  | { readonly kind: 'wait'; readonly why: string };

/**
 * Cleans up in Redis and removes the finalizer, at the limit at the latest. Objects are deleted by their owner
 * references.
 */
export async function finalize(context: Context, memory: Memory, resource: KubeObject): Promise<Finalized> {
  const parsed = subscriptionSchema.safeParse(bare(resource));
  return finalizeResource(context, memory, {
    kind: SUBSCRIPTIONS,
    resource,
    cleanUp: parsed.success ? async () => cleanUp(context, memory, { resource, subscription: parsed.data }) : null,
    whatIsLeft: parsed.success ? whatIsLeft(parsed.data, groupsOf(resource)) : 'groups and streams of this resource',
  });
}

export interface FinalizeOptions {
  readonly kind: Kind;
  readonly resource: KubeObject;
  /** Null when the specification cannot be read. */
  readonly cleanUp: (() => Promise<CleanUp>) | null;
  /** For the Event when it was not cleaned up. */
  readonly whatIsLeft: string;
}

/** The same for any resource: it always ends. */
export async function finalizeResource(
  context: Context,
  memory: Memory,
  { kind, resource, cleanUp: clean, whatIsLeft: left }: FinalizeOptions,
): Promise<Finalized> {
  const { uid = '', finalizers = [], annotations = {}, deletionTimestamp = '' } = resource.metadata;
  if (!finalizers.includes(FINALIZER) || memory.released === uid) return { done: true };
  const isSkipped = annotations[SKIP_ANNOTATION] === 'true';
  const outcome: CleanUp = isSkipped
    ? { kind: 'left', why: `the annotation ${SKIP_ANNOTATION} is set` }
    : clean === null
      ? { kind: 'left', why: 'the specification cannot be read' }
      : await clean();
  const age = context.now() - Date.parse(deletionTimestamp);
  if (outcome.kind === 'wait' && age < context.timings.deletionLimitMs) return { done: false, why: outcome.why };
  if (outcome.kind === 'cleaned') await context.recordEvent(resource, 'Normal', 'RedisCleanedUp', outcome.message);
  else {
    await context.recordEvent(resource, 'Warning', 'RedisNotCleanedUp', `left in Redis: ${left}, since ${outcome.why}`);
  }
  await withoutFinalizer(context, kind, resource);
  memory.released = uid;
  return { done: true };
}

/** The resource in the form of a file. */
export function bare({ apiVersion, kind, metadata, spec }: KubeObject) {
  return { apiVersion, kind, metadata: { name: metadata.name, namespace: metadata.namespace }, spec };
}

async function cleanUp(
  context: Context,
  memory: Memory,
  { resource, subscription }: { resource: KubeObject; subscription: Subscription },
): Promise<CleanUp> {
  const { namespace } = subscription.metadata;
  const readSecret = (name: string) => context.api.get(SECRETS, namespace, name);
  const access = { ...secretAccess(context, resource), read: readSecret };
  const secrets = await lookUpRedis(subscription.spec.redis, lookUp(namespace, access, []));
  const address = secrets && connectionOf(subscription.spec.redis, secrets);
  const connection = address && 'connection' in address ? address.connection : memory.redis;
  if (connection === null) return { kind: 'left', why: 'the Secret that says where Redis is, is gone or wrong' };
  const connected = await context.redis.connect(connection);
  if (!connected.ok) {
    const { isFinal, message } = connected;
    return isFinal ? { kind: 'left', why: message } : { kind: 'wait', why: message };
  }
  try {
    // A gateway that still runs would create the deleted keys again.
    const running = await stopGateways(context, { subscription, uid: resource.metadata.uid }, connected.client);
    const since = context.now() - Date.parse(resource.metadata.deletionTimestamp ?? '');
    if (running > 0 && since < drainLimitMs({ subscription })) {
      return { kind: 'wait', why: `${running} gateways are still going` };
    }
    return await leave(context, subscription, { client: connected.client, known: groupsOf(resource) });
  } catch (error) {
    const code = redisErrorCode(error);
    if (code === 'UNKNOWN') throw error;
    return { kind: 'wait', why: `Redis cannot be used (${code})` };
  }
}

/** Deletes the Deployment, if it belongs to this resource. Returns the number of gateways with a live heartbeat. */
async function stopGateways(
  context: Context,
  { subscription, uid }: { subscription: Subscription; uid: string | undefined },
  client: RedisClient,
): Promise<number> {
  const { name, namespace } = subscription.metadata;
  await deleteDeployment(context, { namespace, name: namesOf(name).gateway, uid });
  const live = await liveReplicas(client, subscription.spec.redis.keyPrefix, resourceOf(subscription));
  return live.length;
}

/** If it belongs to this resource. */
export async function deleteDeployment(
  context: Context,
  { namespace, name, uid }: { namespace: string; name: string; uid: string | undefined },
): Promise<void> {
  const deployment = context.cache.get(DEPLOYMENTS, namespace, name);
  const isOurs = deployment?.metadata.ownerReferences?.some((owner) => owner.controller === true && owner.uid === uid);
  if (deployment && isOurs === true && deployment.metadata.deletionTimestamp === undefined) {
    await context.api.delete(DEPLOYMENTS, deployment);
  }
}

async function leave(
  context: Context,
  subscription: Subscription,
  { client, known }: { client: RedisClient; known: readonly GroupStatus[] },
): Promise<CleanUp> {
  const { redis, stream } = subscription.spec;
  const resource = resourceOf(subscription);
  const where = { keyPrefix: redis.keyPrefix, partitions: stream.partitions, resource };
  const doomed = policies(subscription, known).filter(({ deletionPolicy }) => deletionPolicy === 'Delete');
  for (const { name } of doomed) {
    context.assertMayWrite();
    await destroyDeclared(client, where, { resource, group: name });
  }
  context.assertMayWrite();
  await releaseOwnWebhooks(client, where);
  context.assertMayWrite();
  const deletes = stream.management === 'Managed' && stream.deletionPolicy === 'Delete';
  const deleted = await leaveStreams(client, where, deletes);
  const names = doomed.map(({ name }) => name).join(', ') || 'none';
  return { kind: 'cleaned', message: `consumer groups destroyed: ${names}; streams deleted: ${deleted}` };
}

/** Declared ones, and those that the status still contains. */
function policies({ spec }: Subscription, known: readonly GroupStatus[]) {
  const undeclared = known.filter(({ name }) => !spec.consumerGroups.some((group) => group.name === name));
  return [...spec.consumerGroups, ...undeclared];
}

function whatIsLeft(subscription: Subscription, known: readonly GroupStatus[]): string {
  const { redis, stream } = subscription.spec;
  const groups = policies(subscription, known).map(
    ({ name }) => `${formerGroupName(resourceOf(subscription), name)}/<account>`,
  );
  const [first, last] = [0, stream.partitions - 1].map((partition) => streamKeys(redis.keyPrefix, partition).events);
  return `the consumer groups ${groups.join(', ')} on the streams ${first} to ${last}`;
}

export function groupsOf(resource: KubeObject): readonly GroupStatus[] {
  return (resource['status'] as SubscriptionStatus | undefined)?.consumerGroups ?? [];
}

async function withoutFinalizer(context: Context, of: Kind, resource: KubeObject): Promise<void> {
  const { name, namespace = '', resourceVersion, finalizers = [] } = resource.metadata;
  const kept = finalizers.filter((finalizer) => finalizer !== FINALIZER);
  // With the version it fails when the object has changed: the next pass sees the change.
  const metadata = { name, namespace, ...(resourceVersion !== undefined && { resourceVersion }), finalizers: kept };
  await context.api.merge(of, { metadata });
  context.logger.info({ resource: keyOf(resource) }, 'the finalizer was removed');
}

/** Before the first write to Redis: from then on clean-up is certain. */
export async function ensureFinalizer(context: Context, kind: Kind, resource: KubeObject): Promise<void> {
  const { name, namespace = '', resourceVersion, finalizers = [] } = resource.metadata;
  if (finalizers.includes(FINALIZER)) return;
  const metadata = {
    name,
    namespace,
    ...(resourceVersion !== undefined && { resourceVersion }),
    finalizers: [...finalizers, FINALIZER],
  };
  await context.api.merge(kind, { metadata });
}
