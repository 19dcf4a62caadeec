import type { Subscription } from '../../protocol/subscription.ts';
import type { AddressGuard } from '../../runtime/net/guard-settings.ts';
import type { Kind, KubeObject, OwnerReference } from '../kubernetes/objects.ts';
import { apiVersionOf, SUBSCRIPTIONS } from '../kubernetes/objects.ts';

/** Everything that the objects of one resource are made from. */
export interface Rendering {
  readonly subscription: Subscription;
  readonly uid: string;
  readonly settings: RenderSettings;
  /** Changes with what a gateway reads at its start alone, secrets among it: its pods are then replaced. */
  readonly restartHash: string;
}

/** What the platform has decided for all resources. */
export interface RenderSettings {
  /** The gateway's image where the resource names none. */
  readonly image: string;
  /** Judges what the gateways connect to: loopback is refused where they run in pods. */
  readonly addressGuard: AddressGuard;
  /** Namespaces that may reach the inner ports, besides the resource's own. */
  readonly innerFromNamespaces: readonly string[];
  /** Makes a ServiceMonitor for each resource. */
  readonly serviceMonitors: boolean;
  /** By which a Prometheus finds them. */
  readonly serviceMonitorLabels: Readonly<Record<string, string>>;
}

export const PUBLIC_PORT = 9_443;
export const INNER_PORT = 9_090;
export const MANAGED_BY = { 'app.kubernetes.io/managed-by': 'firehose-operator' } as const;

/** The names of what belongs to a resource of this name. */
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

/** Labels by which the gateway's pods are found. They never change: a Deployment's selector cannot. */
export function selectorOf(name: string): Record<string, string> {
  return {
    'app.kubernetes.io/name': 'firehose',
    'app.kubernetes.io/instance': name,
    'app.kubernetes.io/component': 'gateway',
  };
}

export function labelsOf(name: string): Record<string, string> {
  return { ...selectorOf(name), ...MANAGED_BY };
}

export function ownerOf({ subscription, uid }: Pick<Rendering, 'subscription' | 'uid'>): OwnerReference {
  return {
    apiVersion: apiVersionOf(SUBSCRIPTIONS),
    kind: SUBSCRIPTIONS.kind,
    name: subscription.metadata.name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** An object of the resource's: named, labelled, owned. */
export function owned(
  rendering: Pick<Rendering, 'subscription' | 'uid'>,
  kind: Kind,
  name: string,
  rest: Record<string, unknown>,
  annotations: Readonly<Record<string, string>> = {},
): KubeObject {
  const { metadata } = rendering.subscription;
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    metadata: {
      name,
      namespace: metadata.namespace,
      labels: labelsOf(metadata.name),
      ...(Object.keys(annotations).length > 0 && { annotations }),
      ownerReferences: [ownerOf(rendering)],
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
