import { apiVersionOf, SUBSCRIPTIONS, type Kind, type KubeObject } from '../kubernetes/objects.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import type { Condition, SubscriptionStatus } from '../../protocol/subscription/status.ts';
import type { LiveReplica } from '../../event-log/provisioning/replicas.ts';
import type { ServerFacts } from '../redis/server-facts.ts';
import { selectorText } from '../resources/rendering.ts';
import { conditionsOf, isWarning, transitions } from './conditions.ts';
import type { Context, Memory } from './context.ts';
import { unknown, type Finding, type Findings } from './findings.ts';
import type { GatewayState } from './gateway-finding.ts';
import type { StreamsReadBack } from './read-back.ts';
import { settleStatus } from './settle-status.ts';

/** All findings of a pass. More than eight members: the status is composed of all of them, in one place. */
export interface WholePass {
  readonly kind: 'whole';
  readonly subscription: Subscription;
  readonly findings: Findings;
  readonly gateway: GatewayState;
  readonly urls: SubscriptionStatus['endpoint'] | null;
  readonly image: string;
  /** Null while unknown: the last known value remains. */
  readonly replicas: readonly LiveReplica[] | null;
  readonly facts: ServerFacts | null;
  readonly stood: StreamsReadBack | null;
  readonly signing: SubscriptionStatus['signing'] | null;
}

/** The specification cannot be read: nothing else was checked. */
export interface InvalidPass {
  readonly kind: 'invalid';
  readonly finding: Finding;
}

/** Composes the status and writes it when its meaning has changed; reports transitions by Events. */
export async function writeStatus(
  context: Context,
  memory: Memory,
  resource: KubeObject,
  pass: WholePass | InvalidPass,
): Promise<void> {
  const before = (resource['status'] ?? {}) as SubscriptionStatus;
  const generation = resource.metadata.generation ?? 0;
  const findings = pass.kind === 'whole' ? pass.findings : nothingLookedAt(pass.finding);
  const conditions = conditionsOf(findings, before.conditions ?? [], { generation, now: context.now() });
  const next: SubscriptionStatus = {
    ...(pass.kind === 'whole' ? numbersOf(pass, before) : { ...before }),
    observedGeneration: generation,
    conditions,
  };
  await applyStatus(context, memory, { kind: SUBSCRIPTIONS, resource, before, next });
}

interface AnyStatus {
  readonly conditions?: readonly Condition[] | undefined;
}

/** Writes the status of any resource when its meaning has changed; reports transitions by Events. */
export async function applyStatus<Status extends AnyStatus>(
  context: Context,
  memory: Memory,
  { kind, resource, before, next }: { kind: Kind; resource: KubeObject; before: Status; next: Status },
): Promise<void> {
  const now = context.now();
  const status = settleStatus(before, next, { sinceWrittenMs: now - memory.statusWrittenAt });
  if (status === null) return;
  const { name, namespace = '', uid = '' } = resource.metadata;
  const written = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, namespace, uid } };
  await context.api.apply(kind, { ...written, status }, { subresource: 'status' });
  memory.statusWrittenAt = now;
  const changed = transitions(before.conditions ?? [], next.conditions ?? []);
  for (const condition of changed) await tell(context, resource, condition);
}

/** `type` alone is an adjective: Ready, Stalled. */
async function tell(context: Context, resource: KubeObject, condition: Condition): Promise<void> {
  const { type, status, reason, message } = condition;
  const name = status === 'True' ? type : reason;
  await context.recordEvent(resource, isWarning(condition) ? 'Warning' : 'Normal', name, `${type}: ${message}`);
}

function nothingLookedAt(finding: Finding): Findings {
  const none = unknown(finding.reason, 'not looked at');
  return {
    policy: none,
    references: none,
    redis: none,
    groups: none,
    keys: none,
    telemetry: none,
    objects: finding,
    gateway: none,
    endpoint: none,
    isSuspended: false,
    draining: 0,
    degraded: null,
    clientAddressHidden: null,
    unknownEventNames: null,
    directoryStale: null,
    webhookDisabled: null,
    sinkFailing: null,
  };
}

function numbersOf(pass: WholePass, before: SubscriptionStatus): SubscriptionStatus {
  const { gateway, urls, image, replicas, facts, stood, signing, subscription } = pass;
  const connections = replicas?.reduce((sum, replica) => sum + replica.connections, 0);
  const stream = stood?.stream ?? before.stream;
  const groups = stood?.groups ?? before.consumerGroups;
  const lag = stood?.lag ?? before.lag;
  const redis = facts === null ? before.redis : { version: facts.version, persistence: facts.persistence };
  const keys = signing ?? before.signing;
  return {
    ...(urls && { endpoint: urls }),
    gateway: {
      replicas: gateway.replicas,
      readyReplicas: gateway.ready,
      summary: `${gateway.ready}/${gateway.desired}`,
      connections: connections ?? before.gateway?.connections ?? 0,
      image,
      selector: selectorText(subscription.metadata.name),
    },
    ...(stream && { stream }),
    ...(redis && { redis }),
    ...(groups && { consumerGroups: [...groups] }),
    ...(lag !== undefined && { lag }),
    ...(keys && { signing: keys }),
  };
}
