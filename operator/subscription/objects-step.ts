import { durationMs } from '../../protocol/subscription.ts';
import { ApiError } from '../kubernetes/exchange.ts';
import { DEPLOYMENTS, type KubeObject } from '../kubernetes/objects.ts';
import { desiredObjects, ownedNames, type Desired } from '../resources/desired.ts';
import { REPLICAS_ANNOTATION } from '../resources/deployment.ts';
import { namesOf, type Rendering } from '../resources/rendering.ts';
import { applyObjects, pruneObjects, type ApplyFailure } from './apply.ts';
import type { Context, Memory } from './context.ts';
import { bad, good, type Finding } from './findings.ts';
import { LeftByFormer, ObjectOwnedByOther, ownershipOf } from './ownership.ts';

/** Under a separate field manager, so that a hand-over to an autoscaler does not remove the number. */
const HANDOVER_MANAGER = 'firehose-operator-handover';

/** Reason of a condition: an object of a former resource of this name still exists. */
export const LEFTOVER = 'LeftByFormerResource';

export interface ObjectsInput {
  readonly resource: KubeObject;
  readonly rendering: Rendering;
  /** Whether gateways may be started or changed: everything that they need exists. */
  readonly workload: boolean;
}

/** Applies wanted objects and deletes others. */
export async function objectsStep(context: Context, memory: Memory, input: ObjectsInput): Promise<Finding> {
  const { rendering, workload, resource } = input;
  const { name, namespace } = rendering.subscription.metadata;
  const live = context.cache.get(DEPLOYMENTS, namespace, namesOf(name).gateway);
  const replicas = await replicasOf(context, rendering, live);
  const wanted = desiredObjects(rendering, { replicas, workload });
  const [served, missing] = await split(context, wanted);
  const failures = await applyObjects(context, memory, served);
  if (workload) {
    // A Deployment is always wanted: suspended it has no pods.
    const possible = ownedNames(name).filter(({ kind }) => kind !== DEPLOYMENTS);
    const where = { resource, namespace, uid: rendering.uid };
    await pruneObjects(context, memory, where, { possible, desired: wanted });
  }
  return judge(failures, missing);
}

/** A refused specification changes nothing, except that `suspend` stops the gateways. */
export async function stopRefused(
  context: Context,
  { spec }: { readonly spec: { readonly suspend: boolean } },
  live: KubeObject | undefined,
) {
  const replicas = (live?.['spec'] as { replicas?: number } | undefined)?.replicas;
  if (live === undefined || !spec.suspend || replicas === 0) return;
  const { name, namespace = '' } = live.metadata;
  await context.api.merge(DEPLOYMENTS, { metadata: { name, namespace }, spec: { replicas: 0 } });
}

/**
 * The number to apply; null while an autoscaler decides. A number that the operator set is first handed over to another
 * field manager: removing a field without another owner would reset it to 1.
 */
async function replicasOf(context: Context, { subscription, uid }: Rendering, live: KubeObject | undefined) {
  const { suspend, gateway } = subscription.spec;
  if (suspend) return 0;
  if (gateway.autoscaling === undefined) return gateway.replicas;
  const { minReplicas } = gateway.autoscaling;
  if (live === undefined) return minReplicas;
  // An object of another owner with the same name is refused when this one is applied.
  if (ownershipOf(live, { name: subscription.metadata.name, uid }) !== 'own') return null;
  const spec = live['spec'] as { replicas?: number };
  const isGivenAway = live.metadata.annotations?.[REPLICAS_ANNOTATION] === 'autoscaled';
  if (isGivenAway && (spec.replicas ?? 0) > 0) return null;
  const { name, namespace = '' } = live.metadata;
  await context.api.apply(
    DEPLOYMENTS,
    {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name, namespace, annotations: { [REPLICAS_ANNOTATION]: 'autoscaled' } },
      spec: { replicas: Math.max(spec.replicas ?? 0, minReplicas) },
    },
    { manager: HANDOVER_MANAGER },
  );
  return null;
}

/** Objects of kinds that the cluster serves, and the names of kinds that it lacks. */
export async function split(context: Context, wanted: readonly Desired[]): Promise<[Desired[], string[]]> {
  const served: Desired[] = [];
  const missing: string[] = [];
  for (const one of wanted) {
    if (await context.cache.has(one.kind)) served.push(one);
    else missing.push(`${one.kind.kind} (${one.kind.group})`);
  }
  return [served, missing];
}

/** The finding about applied objects. */
export function judge(failures: readonly ApplyFailure[], missing: readonly string[]): Finding {
  if (missing.length > 0) {
    return bad('KindNotServed', `the cluster does not know ${missing.join(', ')}: install it, or leave it out`, true);
  }
  // An obstacle that needs a person comes before a temporary one.
  const first = failures.find(({ error }) => !(error instanceof LeftByFormer)) ?? failures[0];
  if (first === undefined) return good('Applied', 'every object is as it should be');
  const { what, error } = first;
  if (error instanceof LeftByFormer) return bad(LEFTOVER, error.message);
  if (error instanceof ObjectOwnedByOther) return bad('ObjectOwnedByOther', error.message, true);
  if (error instanceof ApiError && error.isNamespaceTerminating) {
    return bad('NamespaceTerminating', 'the namespace is going away');
  }
  const isFinal = error.status === 422 || error.status === 400;
  return bad(isFinal ? 'ObjectInvalid' : 'ApplyRefused', `${what}: ${error.message.slice(0, 512)}`, isFinal);
}

/** How long gateways may take to end. */
export function drainLimitMs({ subscription }: Pick<Rendering, 'subscription'>): number {
  return durationMs(subscription.spec.gateway.connections.drainTimeout) + 60_000;
}
