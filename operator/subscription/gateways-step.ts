import { liveReplicas, type LiveReplica } from '../../event-log/provisioning/replicas.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import type { SubscriptionStatus } from '../../protocol/subscription/status.ts';
import { PODS, type KubeObject } from '../kubernetes/objects.ts';
import { selectorText } from '../resources/rendering.ts';
import type { Context } from './context.ts';
import { bad, unknown, type Finding } from './findings.ts';
import { gatewayState, type GatewayState } from './gateway-finding.ts';
import type { KeysInUse } from './key-rotation.ts';
import { lastWords } from './last-words.ts';
import { ownLive } from './ownership.ts';
import type { Subject } from './pass.ts';
import { resourceOf } from './redis-step.ts';

/** The gateways before any change. */
export interface Gateways {
  /** Undefined when there is none, or another resource owns it. */
  readonly deployment: KubeObject | undefined;
  /** Gateways with a heartbeat; null when unknown. */
  readonly replicas: readonly LiveReplica[] | null;
  /** The keys with which they verify and sign; null when unknown. */
  readonly keysInUse: KeysInUse | null;
}

export async function lookAtGateways(
  context: Context,
  subject: Subject,
  client: RedisClient | null,
): Promise<Gateways> {
  const deployment = ownLive(context, 'deployment', subject);
  const replicas = await heartbeats(client, subject);
  const expected = gatewayState(deployment).ready;
  const keysInUse = replicas === null ? null : { replicas: replicas.map(({ keys }) => keys), expected };
  return { deployment, replicas, keysInUse };
}

async function heartbeats(
  client: RedisClient | null,
  { subscription }: Subject,
): Promise<readonly LiveReplica[] | null> {
  if (client === null) return null;
  try {
    return await liveReplicas(client, subscription.spec.redis.keyPrefix, resourceOf(subscription));
  } catch (error) {
    if (redisErrorCode(error) === 'UNKNOWN') throw error;
    return null;
  }
}

/**
 * The finding about the gateways; when they do not start, with the messages of their pods. Pods are listed only then.
 */
export async function lastWordsOf(context: Context, { subscription }: Subject, state: GatewayState): Promise<Finding> {
  const { name, namespace } = subscription.metadata;
  return withLastWords(context, state, { namespace, selector: selectorText(name), what: 'Gateway' });
}

/** The finding about pods, with their messages when they do not start. Pods are listed only then. */
export async function withLastWords(
  context: Context,
  { finding, desired }: GatewayState,
  pods: { readonly namespace: string; readonly selector: string; readonly what: 'Gateway' | 'Source' },
): Promise<Finding> {
  if (finding.status === 'True' || finding.isFinal === true || desired === 0) return finding;
  const { items } = await context.api.list(PODS, pods.namespace, pods.selector);
  const words = lastWords(items);
  return words === null ? finding : bad(`${pods.what}${words.reason}`, `${finding.message}; ${words.message}`);
}

/**
 * It serves, but in a reduced form: Redis is away, or gateways were lost. Starts, rollouts and scale-ups do not count.
 * Null when it is complete or does not serve.
 */
export function degradation(resource: KubeObject, gateway: GatewayState, redis: Finding): Finding | null {
  if (gateway.ready === 0) return null;
  const { gateway: before, conditions = [] } = (resource['status'] ?? {}) as SubscriptionStatus;
  const wasDegraded = conditions.some(({ type, status }) => type === 'Degraded' && status === 'True');
  const had = Math.min(gateway.desired, before?.readyReplicas ?? 0);
  const hasLost = gateway.ready < had || (wasDegraded && gateway.ready < gateway.desired);
  const cause = redis.status === 'True' ? (hasLost ? gateway.finding : null) : redis;
  return cause === null ? null : { ...unknown(cause.reason, cause.message), status: 'True' };
}
