import type { Subscription } from '../../protocol/subscription.ts';
import { inSpan } from '../../runtime/telemetry/span.ts';
import { refusals } from '../policy/policy.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { redisDestinations } from '../resources/egress.ts';
import { clientAddresses } from './client-addresses.ts';
import type { Context, Memory } from './context.ts';
import { directoryAge } from './directory-age.ts';
import { endpointOf } from './endpoint.ts';
import { unknownEventNames } from './event-names.ts';
import { groupsOf } from './finalize.ts';
import { bad, good, type Finding, type Findings } from './findings.ts';
import { drainingGateways, gatewayState } from './gateway-finding.ts';
import { degradation, lastWordsOf, lookAtGateways, type Gateways } from './gateways-step.ts';
import { LEFTOVER, objectsStep, stopRefused } from './objects-step.ts';
import { ownLive } from './ownership.ts';
import { readStreams } from './read-back.ts';
import { redisStep, type RedisStep } from './redis-step.ts';
import { resolveReferences, type References } from './references.ts';
import { restartHash } from './restart-hash.ts';
import { secretAccess } from './secret-access.ts';
import { secretsStep, type SecretsStep } from './secrets-step.ts';
import { writeStatus, type WholePass } from './status.ts';
import { judgeTelemetry } from './telemetry.ts';
import { disabledWebhooks, failingSinks } from './sender-states.ts';
import { mayChangeGateways } from './workload.ts';

/** The resource of a pass. */
export interface Subject {
  readonly resource: KubeObject;
  readonly subscription: Subscription;
  readonly uid: string;
}

/** Findings of the steps before the objects. */
interface Found {
  readonly policy: Finding;
  readonly references: References;
  readonly redis: RedisStep;
  readonly gateways: Gateways;
  readonly secrets: SecretsStep;
  readonly telemetry: Finding;
}

/** The steps of a pass, in order. Returns when and why to reconcile again. */
export async function pass(
  context: Context,
  memory: Memory,
  subject: Subject,
): Promise<{ readonly requeueAfterMs: number; readonly why: string }> {
  const { resource, subscription } = subject;
  if (memory.generation !== resource.metadata.generation) forgetSecrets(context, subscription);
  const policy = judgePolicy(context, subscription);
  const references = await step('references', () => resolveReferences(subscription, secretAccess(context, resource)));
  const before = groupsOf(resource);
  const redis = await step('redis', () =>
    redisStep(context, memory, { subscription, secrets: references.redis, before }),
  );
  if (references.problems.length > 0 || redis.client === null) forgetSecrets(context, subscription);
  const gateways = await step('gateways', () => lookAtGateways(context, subject, redis.client));
  const secrets = await step('secrets', () =>
    secretsStep(context, { ...subject, inUse: gateways.keysInUse, foreignKeyId: references.foreignKeyId }),
  );
  const telemetry = await judgeTelemetry(subscription.spec);
  const found = { policy, references, redis, gateways, secrets, telemetry };
  const objects = await step('objects', () => changeObjects(context, memory, subject, found));
  memory.generation = resource.metadata.generation ?? 0;
  const whole = await step('read back', () => readBackAll(context, subject, found, objects));
  await step('status', () => writeStatus(context, memory, resource, whole));
  return nextLook(context, whole.findings);
}

/** A step of a pass as a span of its own, which contains its requests and commands. */
export function step<T>(name: string, run: () => Promise<T>): Promise<T> {
  return inSpan(name, {}, run);
}

function judgePolicy({ policy, settings }: Context, subscription: Subscription): Finding {
  const refused = refusals(subscription, policy, settings.image);
  return refused.length === 0
    ? good('Allowed', 'everything that is asked for is allowed')
    : bad('NotAllowed', refused.join('; '), true);
}

/** Applies the desired objects. A refused specification changes nothing, except that gateways can always be stopped. */
async function changeObjects(context: Context, memory: Memory, subject: Subject, found: Found): Promise<Finding> {
  const { resource, subscription, uid } = subject;
  const { policy, references, redis, gateways, secrets, telemetry } = found;
  if (policy.status !== 'True') {
    await stopRefused(context, subscription, gateways.deployment);
    return policy;
  }
  const workload = mayChangeGateways({
    isThere: gateways.deployment !== undefined,
    isSuspended: subscription.spec.suspend,
    // Without the administrators' token the restart hash would differ, and healthy pods would be replaced.
    isComplete: references.problems.length === 0 && telemetry.status === 'True' && secrets.adminToken !== null,
    isProvisioned: secrets.keys.status === 'True' && redis.groups.status === 'True',
  });
  const hash = restartHash(subscription, { ...references, adminToken: secrets.adminToken });
  const servers = memory.redis && redisDestinations(memory.redis);
  const rendering = { subscription, uid, settings: context.settings, restartHash: hash, redis: servers };
  return objectsStep(context, memory, { resource, rendering, workload });
}

/** The state after everything is applied. */
async function readBackAll(context: Context, subject: Subject, found: Found, objects: Finding): Promise<WholePass> {
  const { resource, subscription } = subject;
  const { policy, references, redis, gateways, secrets, telemetry } = found;
  const before = groupsOf(resource);
  const stood = await readStreams(redis, subscription, { before, now: context.now() });
  const state = gatewayState(ownLive(context, 'deployment', subject));
  const gateway = { ...state, finding: await lastWordsOf(context, subject, state) };
  const service = ownLive(context, 'service', subject);
  const endpoint = endpointOf(subscription, service, gateway.ready);
  const { suspend: isSuspended } = subscription.spec;
  return {
    kind: 'whole',
    subscription,
    findings: {
      policy,
      references: referencesFinding(references),
      redis: redis.redis,
      groups: redis.groups,
      keys: secrets.keys,
      telemetry,
      objects,
      gateway: gateway.finding,
      endpoint: endpoint.finding,
      isSuspended,
      draining: isSuspended ? drainingGateways(gateway, gateways.replicas?.length ?? null) : 0,
      degraded: degradation(resource, gateway, redis.redis),
      clientAddressHidden: clientAddresses(subscription),
      unknownEventNames: unknownEventNames(subscription),
      directoryStale: directoryAge(gateways.replicas, context.now()),
      webhookDisabled: disabledWebhooks(stood?.groups ?? before),
      sinkFailing: failingSinks(stood?.groups ?? before),
    },
    gateway,
    urls: endpoint.urls,
    image: subscription.spec.gateway.image ?? context.settings.image,
    replicas: gateways.replicas,
    facts: redis.facts,
    stood,
    signing: secrets.signing,
  };
}

function nextLook({ timings }: Context, findings: Findings) {
  const { references, groups, keys, objects, gateway } = findings;
  const hasLeftover = [keys, objects].some(({ reason }) => reason === LEFTOVER);
  if (hasLeftover) return { requeueAfterMs: timings.leftoverMs, why: 'a former resource is being collected' };
  const isWaiting = [references, groups, objects].some(({ status }) => status !== 'True');
  if (isWaiting) return { requeueAfterMs: timings.retryMs, why: 'something is missing' };
  // Pods are not watched, and a Deployment whose pods crash does not change.
  const isStarting = gateway.status !== 'True' && gateway.reason !== 'NotStarted';
  if (isStarting) return { requeueAfterMs: timings.retryMs, why: 'gateways are starting' };
  return { requeueAfterMs: timings.refreshMs, why: 'looked at' };
}

/** The next pass reads every Secret that the resource names again. */
function forgetSecrets(context: Context, { spec, metadata }: Subscription): void {
  const named = [
    spec.redis.urlSecretRef?.name,
    spec.redis.tls.caSecretRef?.name,
    spec.redis.tls.clientCertSecretName,
    spec.redis.sentinel?.loginSecretName,
    spec.auth.directory?.secretRef?.name,
    spec.auth.directory?.http?.tokenSecretRef?.name,
    spec.auth.directory?.http?.caSecretRef?.name,
    spec.auth.kazoo?.caSecretRef?.name,
    spec.auth.oidc?.caSecretRef?.name,
    spec.ingest.tokenSecretRef?.name,
    spec.telemetry.otlp?.headersSecretName,
    spec.gateway.tls.secretName,
    spec.auth.token.signing.secretName,
    ...spec.gateway.imagePullSecrets.map(({ name }) => name),
  ];
  const names = named.filter((name) => name !== undefined);
  context.secrets.forget(metadata.namespace, names);
}

/** The finding about everything that a resource refers to. */
export function referencesFinding({ problems }: Pick<References, 'problems'>): Finding {
  return problems.length === 0
    ? good('Resolved', 'everything that is referred to is there')
    : bad('ReferencesMissing', problems.join('; '));
}
