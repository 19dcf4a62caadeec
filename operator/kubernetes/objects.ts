/** The common part of all objects of the API. The rest stays as it is on the wire. */
export interface KubeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/**
 * The metadata of an object (Kubernetes API, ObjectMeta v1). More than eight members: the names and their number are
 * those of Kubernetes.
 */
interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly finalizers?: readonly string[];
  readonly ownerReferences?: readonly OwnerReference[];
  readonly [field: string]: unknown;
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** A kind of the API, and where it is served. */
export interface Kind {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
}

const kind = (group: string, version: string, plural: string, name: string): Kind => ({
  group,
  version,
  plural,
  kind: name,
});

export const SUBSCRIPTIONS = kind('firehose.dev', 'v1alpha1', 'firehosesubscriptions', 'FirehoseSubscription');
export const SOURCES = kind('firehose.dev', 'v1alpha1', 'firehosesources', 'FirehoseSource');
export const SECRETS = kind('', 'v1', 'secrets', 'Secret');
export const EVENTS = kind('', 'v1', 'events', 'Event');
export const PODS = kind('', 'v1', 'pods', 'Pod');
export const LEASES = kind('coordination.k8s.io', 'v1', 'leases', 'Lease');
export const DEPLOYMENTS = kind('apps', 'v1', 'deployments', 'Deployment');
export const SERVICES = kind('', 'v1', 'services', 'Service');
export const CONFIG_MAPS = kind('', 'v1', 'configmaps', 'ConfigMap');
export const DISRUPTION_BUDGETS = kind('policy', 'v1', 'poddisruptionbudgets', 'PodDisruptionBudget');
export const NETWORK_POLICIES = kind('networking.k8s.io', 'v1', 'networkpolicies', 'NetworkPolicy');
export const AUTOSCALERS = kind('autoscaling', 'v2', 'horizontalpodautoscalers', 'HorizontalPodAutoscaler');
export const INGRESSES = kind('networking.k8s.io', 'v1', 'ingresses', 'Ingress');
export const ROUTES = kind('gateway.networking.k8s.io', 'v1', 'httproutes', 'HTTPRoute');
export const CERTIFICATES = kind('cert-manager.io', 'v1', 'certificates', 'Certificate');
export const SERVICE_MONITORS = kind('monitoring.coreos.com', 'v1', 'servicemonitors', 'ServiceMonitor');
/** Only the chart creates it. */
export const PROMETHEUS_RULES = kind('monitoring.coreos.com', 'v1', 'prometheusrules', 'PrometheusRule');

export function apiVersionOf({ group, version }: Kind): string {
  return group === '' ? version : `${group}/${version}`;
}

/** All of a namespace, or of the cluster when that is null. */
export function collectionPath(kind: Kind, namespace: string | null): string {
  const root = kind.group === '' ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  return `${root}${namespace === null ? '' : `/namespaces/${namespace}`}/${kind.plural}`;
}

export function objectPath(kind: Kind, namespace: string, name: string, subresource?: 'status' | 'scale'): string {
  return `${collectionPath(kind, namespace)}/${name}${subresource === undefined ? '' : `/${subresource}`}`;
}

/** `namespace/name`. */
export function keyOf({ metadata }: KubeObject): string {
  return `${metadata.namespace ?? ''}/${metadata.name}`;
}
