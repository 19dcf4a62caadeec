import { subscriptionSchema, type Subscription } from '../../protocol/subscription.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { inSpan } from '../../runtime/telemetry/span.ts';
import { liveReplicas, type LiveReplica } from '../../event-log/provisioning/replicas.ts';
import { DEPLOYMENTS, SERVICES, SUBSCRIPTIONS, type KubeObject } from '../kubernetes/objects.ts';
import { namesOf } from '../resources/rendering.ts';
import type { Context, Memory } from './context.ts';
import { endpointOf } from './endpoint.ts';
import { bare, ensureFinalizer, FINALIZER, finalize, groupsOf } from './finalize.ts';
import { bad, good, unknown, type Finding } from './findings.ts';
import { drainingGateways, gatewayState } from './gateway-finding.ts';
import { objectsStep } from './objects-step.ts';
import { readBack } from './read-back.ts';
import { redisStep, resourceOf, type RedisStep } from './redis-step.ts';
import { resolveReferences, restartHash, type References } from './references.ts';
import { secretsStep } from './secrets-step.ts';
import { writeStatus } from './status.ts';
import { judgeTelemetry } from './telemetry.ts';
import { mayChangeGateways } from './workload.ts';

/** On a resource: leave everything as it is, for as long as it is there. */
export const PAUSE_ANNOTATION = 'firehose.dev/paused';

export interface Outcome {
  readonly requeueAfterMs: number | null;
  readonly why: string;
  /** Of the resource, when there is one. */
  readonly generation?: number | undefined;
}

/**
 * One pass over one resource. It knows the key alone and looks at everything anew: what woke it does not matter. A step
 * that fails sets its condition and stops no other that does not need it. Rejects with what nobody expected, and when
 * the API server is away: the queue's back-off is for those.
 */
export async function reconcile(context: Context, namespace: string, name: string): Promise<Outcome> {
  const generation = context.cache.get(SUBSCRIPTIONS, namespace, name)?.metadata.generation;
  return { ...(await judge(context, namespace, name)), generation };
}

async function judge(context: Context, namespace: string, name: string): Promise<Outcome> {
  const key = `${namespace}/${name}`;
  const resource = context.cache.get(SUBSCRIPTIONS, namespace, name);
  if (resource === undefined) {
    context.memories.forget(key);
    return { requeueAfterMs: null, why: 'gone' };
  }
  const memory = context.memories.of(key);
  if (resource.metadata.annotations?.[PAUSE_ANNOTATION] === 'true') {
    await tellOfPausedDeletion(context, memory, resource);
    return { requeueAfterMs: null, why: 'paused' };
  }
  if (resource.metadata.deletionTimestamp !== undefined) {
    const finalized = await step('finalize', () => finalize(context, memory, resource));
    return finalized.done
      ? { requeueAfterMs: null, why: 'let go' }
      : { requeueAfterMs: context.timings.retryMs, why: finalized.why };
  }
  const parsed = subscriptionSchema.safeParse(bare(resource));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const message = `spec.${issue?.path.slice(1).join('.') ?? ''}: ${issue?.message ?? 'cannot be read'}`;
    await writeStatus(context, memory, resource, { kind: 'invalid', finding: bad('InvalidSpec', message, true) });
    return { requeueAfterMs: null, why: 'the specification is not valid' };
  }
  await step('finalizer', () => ensureFinalizer(context, resource));
  return pass(context, memory, { resource, subscription: parsed.data });
}

/** Nothing else shows why it does not go. */
async function tellOfPausedDeletion(context: Context, memory: Memory, resource: KubeObject): Promise<void> {
  const { name, namespace = '', uid = '', deletionTimestamp, finalizers = [] } = resource.metadata;
  if (deletionTimestamp === undefined || !finalizers.includes(FINALIZER) || memory.pausedDeletion === uid) return;
  memory.pausedDeletion = uid;
  const end = `kubectl annotate fhs -n ${namespace} ${name} ${PAUSE_ANNOTATION}-`;
  const message = `deleting it waits for the end of its pause: ${end}`;
  await context.recordEvent(resource, 'Warning', 'DeletionPaused', message);
}

interface Subject {
  readonly resource: KubeObject;
  readonly subscription: Subscription;
}

async function pass(context: Context, memory: Memory, subject: Subject): Promise<Outcome> {
  const { resource, subscription } = subject;
  const { name, namespace } = subscription.metadata;
  const uid = resource.metadata.uid ?? '';
  if (memory.generation !== resource.metadata.generation) forgetSecrets(context, subscription);
  const references = await step('references', () =>
    resolveReferences(subscription, (secret) => context.secrets.read(namespace, secret)),
  );
  const before = groupsOf(resource);
  const redis = await step('redis', () =>
    redisStep(context, memory, { subscription, secrets: references.redis, before }),
  );
  if (redis.client === null && references.redis !== null) forgetSecrets(context, subscription);
  const replicas = await step('heartbeats', () => heartbeats(redis, subscription));
  const deployment = context.cache.get(DEPLOYMENTS, namespace, namesOf(name).gateway);
  const expected = gatewayState(deployment).ready;
  const inUse = replicas === null ? null : { replicas: replicas.map(({ keys }) => keys), expected };
  const secrets = await step('secrets', () =>
    secretsStep(context, { ...subject, uid, inUse, foreignKeyId: references.foreignKeyId }),
  );

  const telemetry = await judgeTelemetry(subscription);
  const workload = mayChangeGateways({
    isThere: deployment !== undefined,
    isSuspended: subscription.spec.suspend,
    // Without the administrators' token the restart hash would be another one, and healthy pods be replaced.
    isComplete: references.problems.length === 0 && telemetry.status === 'True' && secrets.adminToken !== null,
    isProvisioned: secrets.keys.status === 'True' && redis.groups.status === 'True',
  });
  const rendering = {
    subscription,
    uid,
    settings: context.settings,
    restartHash: restartHash(subscription, { ...references, adminToken: secrets.adminToken }),
  };
  const objects = await step('objects', () => objectsStep(context, memory, { resource, rendering, workload }));
  memory.generation = resource.metadata.generation ?? 0;
  const stood = await step('streams', () => readStreams(redis, subject));
  const gateway = gatewayState(context.cache.get(DEPLOYMENTS, namespace, namesOf(name).gateway));
  const endpoint = endpointOf(subscription, context.cache.get(SERVICES, namespace, namesOf(name).service));
  const isServing = gateway.ready > 0;
  const isWhole = redis.redis.status === 'True' && gateway.ready >= gateway.desired;
  const facts = {
    kind: 'whole' as const,
    subscription,
    findings: {
      references: referencesFinding(references),
      redis: redis.redis,
      groups: redis.groups,
      keys: secrets.keys,
      telemetry,
      objects,
      gateway: gateway.finding,
      endpoint: endpoint.finding,
      isSuspended: subscription.spec.suspend,
      draining: subscription.spec.suspend ? drainingGateways(gateway, replicas?.length ?? null) : 0,
      degraded: isServing && !isWhole ? degradedBy(redis, gateway.finding) : null,
    },
    gateway,
    urls: endpoint.urls,
    image: subscription.spec.gateway.image ?? context.settings.image,
    replicas,
    facts: redis.facts,
    stood,
    signing: secrets.signing,
  };
  await step('status', () => writeStatus(context, memory, resource, facts));
  const isWaiting = references.problems.length > 0 || redis.groups.status !== 'True' || objects.status !== 'True';
  const { refreshMs, retryMs } = context.timings;
  return { requeueAfterMs: isWaiting ? retryMs : refreshMs, why: isWaiting ? 'something is missing' : 'looked at' };
}

/** A step of a pass, as a span of its own: its requests and commands are in it. */
function step<T>(name: string, run: () => Promise<T>): Promise<T> {
  return inSpan(name, {}, run);
}

function forgetSecrets(context: Context, { spec, metadata }: Subscription): void {
  const named = [
    spec.redis.urlSecretRef?.name,
    spec.redis.tls.caSecretRef?.name,
    spec.redis.tls.clientCertSecretName,
    spec.redis.sentinel?.loginSecretName,
    spec.auth.directory?.secretRef.name,
    spec.ingest.tokenSecretRef?.name,
    spec.telemetry.otlp?.headersSecretName,
    spec.gateway.tls.secretName,
    spec.auth.token.signing.secretName,
  ];
  context.secrets.forget(
    metadata.namespace,
    named.filter((name) => name !== undefined),
  );
}

/** Null while they cannot be known. */
async function heartbeats({ client }: RedisStep, subscription: Subscription): Promise<readonly LiveReplica[] | null> {
  if (client === null) return null;
  try {
    return await liveReplicas(client, subscription.spec.redis.keyPrefix, resourceOf(subscription));
  } catch (error) {
    if (redisErrorCode(error) === 'UNKNOWN') throw error;
    return null;
  }
}

async function readStreams({ client, groups }: RedisStep, { resource, subscription }: Subject) {
  if (client === null || groups.status !== 'True') return null;
  try {
    return await readBack(client, subscription, groupsOf(resource));
  } catch (error) {
    if (redisErrorCode(error) === 'UNKNOWN') throw error;
    return null;
  }
}

function referencesFinding({ problems }: References): Finding {
  return problems.length === 0
    ? good('Resolved', 'everything that is referred to is there')
    : bad('ReferencesMissing', problems.join('; '));
}

function degradedBy(redis: RedisStep, gateway: Finding): Finding {
  const cause = redis.redis.status === 'True' ? gateway : redis.redis;
  return { ...unknown(cause.reason, cause.message), status: 'True' };
}
