import type { SubscriptionStatus } from '../../protocol/subscription/status.ts';
import type { ObjectCache } from '../kubernetes/object-cache.ts';
import { SUBSCRIPTIONS, type Kind, type KubeObject } from '../kubernetes/objects.ts';
import type { ResourceSample, SubscriptionSample } from './metrics.ts';

type Resources = Pick<ObjectCache, 'values'>;

/** Metrics of each resource of a kind. */
export function* samplesOf(resources: Resources, kind: Kind, now: () => number): IterableIterator<ResourceSample> {
  for (const resource of resources.values(kind)) yield sampleOf(resource, now());
}

function sampleOf({ metadata, status }: KubeObject, now: number): ResourceSample {
  const { name, namespace = '', deletionTimestamp } = metadata;
  const { conditions = [] } = (status ?? {}) as Pick<SubscriptionStatus, 'conditions'>;
  const deletingMs = deletionTimestamp === undefined ? 0 : Math.max(0, now - Date.parse(deletionTimestamp));
  return { namespace, name, conditions, deletingMs };
}

/** Additional metrics of FirehoseSubscriptions. */
export function* subscriptionSamples(resources: Resources, now: () => number): IterableIterator<SubscriptionSample> {
  for (const resource of resources.values(SUBSCRIPTIONS)) {
    const { signing } = (resource['status'] ?? {}) as SubscriptionStatus;
    const rotationAt = signing?.nextRotationTime === undefined ? null : Date.parse(signing.nextRotationTime);
    yield { ...sampleOf(resource, now()), rotationAt };
  }
}
