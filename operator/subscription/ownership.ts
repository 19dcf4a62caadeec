import type { Subscription } from '../../protocol/subscription.ts';
import { DEPLOYMENTS, SERVICES, SUBSCRIPTIONS, type KubeObject } from '../kubernetes/objects.ts';
import { componentOf, labelsOf, namesOf } from '../resources/rendering.ts';
import type { Context } from './context.ts';

/** The owner of a live object with one of the operator's names. */
export type Ownership =
  | 'own'
  /** Owned by a deleted resource of the same name: Kubernetes deletes it within moments. */
  | 'former'
  /**
   * Made for a resource of the same name, and without an owner since that one was deleted with `--cascade=orphan`:
   * nothing would delete it, so it is taken over. The content of a Secret of this kind is not used: any user could have
   * written it.
   */
  | 'orphan'
  | 'foreign';

/** The asking resource: its name, and its uid, which no later resource of that name has again. */
export interface Asking {
  /** Default: FirehoseSubscription. */
  readonly kind?: string;
  readonly name: string;
  readonly uid: string;
}

export function ownershipOf(live: KubeObject, { kind = SUBSCRIPTIONS.kind, name, uid }: Asking): Ownership {
  const { labels = {}, ownerReferences = [], deletionTimestamp } = live.metadata;
  const owner = ownerReferences.find(({ controller }) => controller === true);
  if (owner?.uid === uid) return 'own';
  const bearsLabels = Object.entries(labelsOf(name, componentOf(kind))).every(([key, value]) => labels[key] === value);
  const isOfFormer =
    owner?.kind === kind &&
    owner.apiVersion.startsWith(`${SUBSCRIPTIONS.group}/`) &&
    // One name, one resource: an owner of this name with another uid is gone.
    owner.name === name;
  if (!bearsLabels) return 'foreign';
  if (isOfFormer) return 'former';
  if (ownerReferences.length > 0) return 'foreign';
  return deletionTimestamp === undefined ? 'orphan' : 'former';
}

/**
 * The gateways' Deployment or the public Service of a resource, as the cache knows it; undefined when another resource
 * owns it.
 */
export function ownLive(
  { cache }: Pick<Context, 'cache'>,
  what: 'deployment' | 'service',
  { subscription, uid }: { readonly subscription: Subscription; readonly uid: string },
): KubeObject | undefined {
  const { name, namespace } = subscription.metadata;
  const { gateway, service } = namesOf(name);
  const live =
    what === 'service' ? cache.get(SERVICES, namespace, service) : cache.get(DEPLOYMENTS, namespace, gateway);
  return live !== undefined && ownershipOf(live, { name, uid }) === 'own' ? live : undefined;
}

/** An object of this name has another owner: it is not changed. */
export class ObjectOwnedByOther extends Error {
  override readonly name = 'ObjectOwnedByOther';
  readonly code = 'object_owned_by_other';
}

/** An object of this name still exists from a former resource. Kubernetes will delete it. */
export class LeftByFormer extends Error {
  override readonly name = 'LeftByFormer';
  readonly code = 'left_by_former';
}

/**
 * Throws when the object belongs neither to the asking resource nor is an orphan. `wayOut` says what a person can do
 * about a foreign one.
 */
export function assertOwn(live: KubeObject, kind: string, asking: Asking, wayOut: string): void {
  const ownership = ownershipOf(live, asking);
  const { name } = live.metadata;
  if (ownership === 'former') {
    throw new LeftByFormer(`the ${kind} ${name} was left by the former resource ${asking.name} and is being deleted`);
  }
  if (ownership === 'foreign') {
    throw new ObjectOwnedByOther(`the ${kind} ${name} belongs to another owner: delete it, or ${wayOut}`);
  }
}
