import type { Subscription } from '../../protocol/subscription.ts';
import type { AddressGuard } from '../../runtime/net/guard-settings.ts';
import type { Destination } from './egress.ts';
import type { Kind, KubeObject, OwnerReference } from '../kubernetes/objects.ts';
import { apiVersionOf, SOURCES, SUBSCRIPTIONS } from '../kubernetes/objects.ts';

/** The inputs of the objects of one resource. */
export interface Rendering {
  readonly subscription: Subscription;
  readonly uid: string;
  readonly settings: RenderSettings;
  /** Changes with everything that a gateway reads only at its start, including secrets: its pods are then replaced. */
  readonly restartHash: string;
  /** Servers of Redis; null while they are not known. */
  readonly redis: readonly Destination[] | null;
}

/** Decisions of the platform for all resources. */
export interface RenderSettings {
  /** The gateway's image when the resource names none. */
  readonly image: string;
  /** Checks the addresses that the gateways connect to: loopback is refused where they run in pods. */
  readonly addressGuard: AddressGuard;
  /** Namespaces that may reach the inner ports, besides the resource's own. */
  readonly innerFromNamespaces: readonly string[];
  /** Creates a ServiceMonitor for each resource. */
  readonly serviceMonitors: boolean;
  /** Labels by which a Prometheus finds them. */
  readonly serviceMonitorLabels: Readonly<Record<string, string>>;
}

export const PUBLIC_PORT = 9_443;
export const INNER_PORT = 9_090;
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'firehose-operator' } as const;

/** The names of the objects of a resource with this name. */
export function namesOf(name: string) {
  return {
    gateway: `${name}-gateway`,
    service: name,
    inner: `${name}-inner`,
    config: `${name}-config`,
    signingKeys: `${name}-signing-keys`,
    tls: `${name}-tls`,
    authority: `${name}-ca`,
    adminToken: `${name}-admin-token`,
  };
}

/** Role of pods: the gateways of a subscription, or the replicas of a source. */
export type Component = 'gateway' | 'source';

/** A resource that owns objects. */
export interface Owner {
  readonly kind: Kind;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
}

/** Role of the pods of a resource of this kind. */
export function componentOf(kind: string): Component {
  return kind === SOURCES.kind ? 'source' : 'gateway';
}

/** Labels that select the pods of a resource. They never change: a Deployment's selector cannot. */
export function selectorOf(name: string, component: Component = 'gateway'): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'firehose',
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/component': component,
  };
}

/** The same as a query of the API. */
export function selectorText(name: string, component: Component = 'gateway'): string {
  return Object.entries(selectorOf(name, component))
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

export function labelsOf(name: string, component: Component = 'gateway'): Record<string, string> {
  return { ...selectorOf(name, component), ...MANAGED_BY };
}

export function subscriptionOwner({ subscription, uid }: Pick<Rendering, 'subscription' | 'uid'>): Owner {
  const { name, namespace } = subscription.metadata;
  return { kind: SUBSCRIPTIONS, name, namespace, uid };
}

function referenceTo({ kind, name, uid }: Owner): OwnerReference {
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, name, uid, controller: true, blockOwnerDeletion: true };
}

export function ownerOf(rendering: Pick<Rendering, 'subscription' | 'uid'>): OwnerReference {
  return referenceTo(subscriptionOwner(rendering));
}

/** An object of the resource: named, labelled, owned. */
export function owned(
  rendering: Pick<Rendering, 'subscription' | 'uid'>,
  kind: Kind,
  name: string,
  rest: Record<string, unknown>,
  annotations: Readonly<Record<string, string>> = {},
): KubeObject {
  return ownedBy(subscriptionOwner(rendering), kind, name, rest, annotations);
}

/** The same for any resource. */
export function ownedBy(
  owner: Owner,
  kind: Kind,
  name: string,
  rest: Record<string, unknown>,
  annotations: Readonly<Record<string, string>> = {},
): KubeObject {
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {
      name,
      namespace: owner.namespace,
      labels: labelsOf(owner.name, componentOf(owner.kind.kind)),
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ownerReferences: [referenceTo(owner)],
    },
    ...rest,
  };
}

/** The Secret with the certificate that clients see; null for plain HTTP. */
export function tlsSecretName({ spec, metadata }: Subscription): string | null {
  const { tls } = spec.gateway;
  return tls.disabled ? null : (tls.secretName ?? namesOf(metadata.name).tls);
}

export function signingSecretName({ spec, metadata }: Subscription): string {
  return spec.auth.token.signing.secretName ?? namesOf(metadata.name).signingKeys;
}
