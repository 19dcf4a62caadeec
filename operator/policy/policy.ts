import type { Subscription } from '../../protocol/subscription.ts';
import { isControlKey } from './control-domains.ts';

/** What the platform allows beyond the defaults. An entry `*` allows everything of its kind. */
export interface Policy {
  /** Repositories as `registry.example.com/firehose`; with a `/` at the end everything below it. */
  readonly images: readonly string[];
  /** Beginnings of annotation keys that controllers act on, as `nginx.ingress.kubernetes.io/proxy-`. */
  readonly annotationPrefixes: readonly string[];
  /** Beginnings of label keys of the pods. */
  readonly labelPrefixes: readonly string[];
  /** Host names are these domains or below them, as `example.com`. */
  readonly hostSuffixes: readonly string[];
  /** As `ClusterIssuer/letsencrypt` or `Issuer/*`. */
  readonly issuers: readonly string[];
  /** Of the Service that clients reach, besides ClusterIP. */
  readonly serviceTypes: readonly string[];
  /** Who makes a load balancer, where the resource names one. Without a name it is the cluster's own. */
  readonly loadBalancerClasses: readonly string[];
  readonly priorityClasses: readonly string[];
  /** Kinds whose Secrets may be named although they own them, as `ExternalSecret.external-secrets.io`. */
  readonly secretOwners: readonly string[];
}

/** Where each rule is set: the chart's value and the operator's variable are named after it. */
export const SAFE_POLICY: Policy = {
  images: [],
  annotationPrefixes: [],
  labelPrefixes: [],
  hostSuffixes: [],
  issuers: [],
  // A NodePort opens a port of every node, past the firewalls in front of load balancers.
  serviceTypes: ['LoadBalancer'],
  loadBalancerClasses: [],
  priorityClasses: [],
  secretOwners: [
    'Certificate.cert-manager.io',
    'ExternalSecret.external-secrets.io',
    'SealedSecret.bitnami.com',
    'VaultDynamicSecret.secrets.hashicorp.com',
    'VaultStaticSecret.secrets.hashicorp.com',
  ],
};

/** Every field that the platform does not allow, as `field: what, and the value that would allow it`. Pure. */
export function refusals({ spec }: Subscription, policy: Policy, ownImage: string): readonly string[] {
  const { image, podTemplate, service, ingress, route, tls } = spec.gateway;
  const problems: string[] = [];
  const refuse = (field: string, what: string, list: keyof Policy) =>
    problems.push(`${field}: ${what} is not allowed here (chart value allow.${list})`);

  if (image !== undefined && image !== ownImage && !isImageAllowed(image, policy.images)) {
    refuse('gateway.image', image, 'images');
  }
  const annotations = {
    'gateway.podTemplate.annotations': podTemplate.annotations,
    'gateway.service.annotations': service.annotations,
    'gateway.ingress.annotations': ingress?.annotations ?? {},
  };
  for (const [field, map] of Object.entries(annotations)) {
    for (const key of Object.keys(map)) {
      if (isControlKey(key) && !begins(key, policy.annotationPrefixes)) refuse(field, key, 'annotationPrefixes');
    }
  }
  for (const key of Object.keys(podTemplate.labels)) {
    if (!begins(key, policy.labelPrefixes)) refuse('gateway.podTemplate.labels', key, 'labelPrefixes');
  }
  for (const [field, host] of hostsOf({ ingress, route, tls })) {
    if (!isHostAllowed(host, policy.hostSuffixes)) refuse(field, host, 'hostSuffixes');
  }
  if (tls.issuerRef !== undefined && !isIssuerAllowed(tls.issuerRef, policy.issuers)) {
    refuse('gateway.tls.issuerRef', `${tls.issuerRef.kind}/${tls.issuerRef.name}`, 'issuers');
  }
  if (service.type !== 'ClusterIP' && !isListed(service.type, policy.serviceTypes)) {
    refuse('gateway.service.type', service.type, 'serviceTypes');
  }
  const balancer = service.loadBalancerClass;
  if (balancer !== undefined && !isListed(balancer, policy.loadBalancerClasses)) {
    refuse('gateway.service.loadBalancerClass', balancer, 'loadBalancerClasses');
  }
  const priority = podTemplate.priorityClassName;
  if (priority !== undefined && !isListed(priority, policy.priorityClasses)) {
    refuse('gateway.podTemplate.priorityClassName', priority, 'priorityClasses');
  }
  return problems;
}

const isListed = (value: string, list: readonly string[]) => list.includes('*') || list.includes(value);
const begins = (key: string, prefixes: readonly string[]) =>
  prefixes.some((prefix) => prefix === '*' || key.startsWith(prefix));

/** `registry:5000/a/b:tag@sha256:...` is of the repository `registry:5000/a/b`. */
function isImageAllowed(image: string, allowed: readonly string[]): boolean {
  const [named = ''] = image.split('@');
  const colon = named.lastIndexOf(':');
  const repository = colon > named.lastIndexOf('/') ? named.slice(0, colon) : named;
  return allowed.some(
    (entry) => entry === '*' || (entry.endsWith('/') ? repository.startsWith(entry) : repository === entry),
  );
}

/** Names that others resolve or trust. Those of a self-signed certificate are neither. */
function hostsOf({
  ingress,
  route,
  tls,
}: Pick<Subscription['spec']['gateway'], 'ingress' | 'route' | 'tls'>): [string, string][] {
  return [
    ...(ingress === undefined ? [] : [['gateway.ingress.host', ingress.host] as [string, string]]),
    // Without a name the route is for every name of its Gateway.
    ...(route?.hostnames.length === 0 ? [['gateway.route.hostnames', '*'] as [string, string]] : []),
    ...(route?.hostnames ?? []).map((host): [string, string] => ['gateway.route.hostnames', host]),
    ...(tls.issuerRef === undefined ? [] : tls.dnsNames).map((host): [string, string] => [
      'gateway.tls.dnsNames',
      host,
    ]),
  ];
}

function isHostAllowed(host: string, suffixes: readonly string[]): boolean {
  return suffixes.some((entry) => {
    const suffix = entry.replace(/^\*?\./, '');
    return entry === '*' || host === suffix || host.endsWith(`.${suffix}`);
  });
}

function isIssuerAllowed(
  { kind, name, group }: NonNullable<Subscription['spec']['gateway']['tls']['issuerRef']>,
  allowed: readonly string[],
): boolean {
  // Issuers of other groups are named with it, so that an allowed name means one issuer.
  const full = group === 'cert-manager.io' ? `${kind}/${name}` : `${kind}.${group}/${name}`;
  const kindAll = full.replace(/\/[^/]*$/, '/*');
  return allowed.some((entry) => entry === '*' || entry === full || entry === kindAll);
}
