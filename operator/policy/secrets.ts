import { SOURCES, SUBSCRIPTIONS, type KubeObject } from '../kubernetes/objects.ts';
import { MANAGED_BY } from '../resources/rendering.ts';

const OWN_KINDS: ReadonlySet<string> = new Set([SUBSCRIPTIONS.kind, SOURCES.kind]);

/** Types of Secrets with credentials of the cluster itself, which a tenant must not name. */
const REFUSED_TYPES: ReadonlySet<string> = new Set([
  'kubernetes.io/service-account-token',
  'bootstrap.kubernetes.io/token',
  'helm.sh/release.v1',
]);

/**
 * Why a resource may not use this Secret; null when it may. A Secret without an owner belongs to the namespace, unless the
 * operator made it: a tenant who deletes a resource with `--cascade=orphan` must not get its keys. One with an owner is
 * the resource's own, or of a kind that makes Secrets for others to use (`allowedOwners`, as `Kind.group`).
 */
export function secretRefusal(secret: KubeObject, uid: string, allowedOwners: readonly string[]): string | null {
  const { type } = secret;
  if (typeof type === 'string' && REFUSED_TYPES.has(type)) return `is of type ${type}`;
  const { labels = {}, ownerReferences = [] } = secret.metadata;
  if (ownerReferences.length === 0 && isMadeByOperator(labels)) {
    return `was made for the resource ${labels['app.kubernetes.io/instance'] ?? ''}, which is gone`;
  }
  const foreign = ownerReferences.find((owner) => {
    if (owner.uid === uid) return false;
    if (OWN_KINDS.has(owner.kind) && owner.apiVersion.startsWith(`${SUBSCRIPTIONS.group}/`)) return true;
    const group = owner.apiVersion.includes('/') ? `.${owner.apiVersion.split('/')[0] ?? ''}` : '';
    return !allowedOwners.includes('*') && !allowedOwners.includes(`${owner.kind}${group}`);
  });
  return foreign === undefined ? null : `belongs to the ${foreign.kind} ${foreign.name}`;
}

function isMadeByOperator(labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(MANAGED_BY).every(([key, value]) => labels[key] === value);
}
