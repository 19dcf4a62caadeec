import { secretRefusal } from '../policy/secrets.ts';
import { SUBSCRIPTIONS, type KubeObject } from '../kubernetes/objects.ts';
import { namesOf } from '../resources/rendering.ts';
import type { Context } from './context.ts';
import type { SecretAccess } from './references.ts';

/** How a resource reaches the Secrets that it names, and which of them it must not name (I16). */
export function secretAccess(context: Context, resource: KubeObject): SecretAccess {
  const { name, namespace = '' } = resource.metadata;
  return {
    read: (secret) => context.secrets.read(namespace, secret),
    now: context.now,
    refusal(secret) {
      const refusal = secretRefusal(secret, resource.metadata.uid ?? '', context.policy.secretOwners);
      if (refusal !== null) return refusal;
      const other = issuedFor(context, namespace, secret.metadata.name);
      const isOwn = other === name && resource.kind === SUBSCRIPTIONS.kind;
      return other === null || isOwn ? null : `belongs to the FirehoseSubscription ${other}`;
    },
  };
}

/** The resource for which cert-manager creates this Secret: such a Secret has no owner. */
function issuedFor(context: Context, namespace: string, secret: string): string | null {
  const suffix = namesOf('').tls;
  if (!secret.endsWith(suffix)) return null;
  const name = secret.slice(0, -suffix.length);
  const spec = context.cache.get(SUBSCRIPTIONS, namespace, name)?.['spec'] as
    { gateway?: { tls?: { issuerRef?: unknown } } } | undefined;
  return spec?.gateway?.tls?.issuerRef === undefined ? null : name;
}
