import type { Source } from '../../protocol/source.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import { isControlKey } from './control-domains.ts';

/** What the platform allows beyond the defaults. An entry `*` allows everything of its kind. */
export interface Policy {
  /** Repositories such as `registry.example.com/firehose`; with a `/` at the end everything below it. */
  readonly images: readonly string[];
  /** Prefixes of annotation keys that controllers act on, such as `nginx.ingress.kubernetes.io/proxy-`. */
  readonly annotationPrefixes: readonly string[];
  /** Prefixes of label keys of the pods. */
  readonly labelPrefixes: readonly string[];
  /** Domains of allowed host names, such as `example.com`; subdomains are allowed, too. */
  readonly hostSuffixes: readonly string[];
  /** For example `ClusterIssuer/letsencrypt` or `Issuer/*`. */
  readonly issuers: readonly string[];
  /** Types of Services besides ClusterIP, which peers outside of the cluster can reach. */
  readonly serviceTypes: readonly string[];
  /** Allowed load balancer classes, where the resource names one. Without a name the cluster's own is used. */
  readonly loadBalancerClasses: readonly string[];
  readonly priorityClasses: readonly string[];
  /** Receivers of webhooks that may have private addresses: their host names are these or below them. */
  readonly privateWebhookHosts: readonly string[];
  /** Kinds whose Secrets may be named although these kinds own them, such as `ExternalSecret.external-secrets.io`. */
  readonly secretOwners: readonly string[];
}

/** Where each rule is set: the chart's value and the operator's variable have its name. */
export const SAFE_POLICY: Policy = {
  images: [],
  annotationPrefixes: [],
  labelPrefixes: [],
  hostSuffixes: [],
  issuers: [],
  // A NodePort opens a port of every node, behind the firewalls in front of load balancers.
  serviceTypes: ['LoadBalancer'],
  loadBalancerClasses: [],
  priorityClasses: [],
  // A pod of the gateway can reach addresses that the tenant may not reach.
  privateWebhookHosts: [],
  secretOwners: [
    'Certificate.cert-manager.io',
    'ExternalSecret.external-secrets.io',
    'SealedSecret.bitnami.com',
    'VaultDynamicSecret.secrets.hashicorp.com',
    'VaultStaticSecret.secrets.hashicorp.com',
  ],
};

/** Requests of a resource that a platform may refuse, with the fields that contain them. */
interface Asked {
  readonly image: Field<string> | null;
  readonly annotations: readonly Field<Readonly<Record<string, string>>>[];
  readonly podLabels: Field<Readonly<Record<string, string>>>;
  /** Names that others resolve or trust. Names of a self-signed certificate are neither. */
  readonly hosts: readonly Field<string>[];
  readonly issuer: Field<IssuerRef> | null;
  readonly service: Field<Gateway['service']> | null;
  readonly priorityClass: Field<string> | null;
}
interface Field<T> {
  readonly field: string;
  readonly value: T;
}
type Gateway = Subscription['spec']['gateway'];
type IssuerRef = NonNullable<Gateway['tls']['issuerRef']>;

/** Every field that the platform does not allow, as `field: what, and the value that would allow it`. Pure. */
export function refusals({ spec }: Subscription, policy: Policy, ownImage: string): readonly string[] {
  const { service, ingress, route, tls } = spec.gateway;
  const asked = askedOf(spec.gateway, 'gateway.', { at: 'gateway.', tls, service });
  const ingressKeys = { field: 'gateway.ingress.annotations', value: ingress?.annotations ?? {} };
  const hosts = hostsOf({ ingress, route, tls });
  const judged = judge({ ...asked, annotations: [...asked.annotations, ingressKeys], hosts }, policy, ownImage);
  return [...judged, ...webhookRefusals(spec.consumerGroups, policy)];
}

/** Receivers with private addresses, which gateways can reach and tenants may not. */
function webhookRefusals(groups: Subscription['spec']['consumerGroups'], policy: Policy): readonly string[] {
  return groups.flatMap(({ name, webhook }) => {
    if (webhook?.allowPrivateAddresses !== true) return [];
    const { hostname } = new URL(webhook.url);
    if (isHostAllowed(hostname, policy.privateWebhookHosts)) return [];
    const field = `consumerGroups[${name}].webhook.allowPrivateAddresses`;
    return [`${field}: ${hostname} is not allowed here (chart value allow.privateWebhookHosts)`];
  });
}

/** The same for a source. Its destination addresses are checked at connect time, as for Redis. */
export function sourceRefusals({ spec }: Pick<Source, 'spec'>, policy: Policy, ownImage: string): readonly string[] {
  const { listen } = spec.asterisk ?? {};
  const asked = askedOf(spec, '', { at: 'asterisk.listen.', ...listen });
  const names = listen?.tls.issuerRef === undefined ? [] : listen.tls.dnsNames;
  const hosts = names.map((value) => ({ field: 'asterisk.listen.tls.dnsNames', value }));
  return judge({ ...asked, hosts }, policy, ownImage);
}

/** `prefix` is the path of the pods' fields, `at` the path of the Service and its certificate. */
function askedOf(
  { image, podTemplate }: Pick<Gateway, 'image' | 'podTemplate'>,
  prefix: string,
  { at, tls, service }: { readonly at: string } & Partial<Pick<Gateway, 'tls' | 'service'>>,
): Asked {
  const given = <T>(field: string, value: T | undefined) => (value === undefined ? null : { field, value });
  return {
    image: given(`${prefix}image`, image),
    annotations: [
      { field: `${prefix}podTemplate.annotations`, value: podTemplate.annotations },
      { field: `${at}service.annotations`, value: service?.annotations ?? {} },
    ],
    podLabels: { field: `${prefix}podTemplate.labels`, value: podTemplate.labels },
    hosts: [],
    issuer: given(`${at}tls.issuerRef`, tls?.issuerRef),
    service: given(`${at}service`, service),
    priorityClass: given(`${prefix}podTemplate.priorityClassName`, podTemplate.priorityClassName),
  };
}

function judge(asked: Asked, policy: Policy, ownImage: string): readonly string[] {
  const { image, annotations, podLabels, hosts, issuer, service, priorityClass } = asked;
  const problems: string[] = [];
  const refuse = (field: string, what: string, list: keyof Policy) =>
    problems.push(`${field}: ${what} is not allowed here (chart value allow.${list})`);

  if (image !== null && image.value !== ownImage && !isImageAllowed(image.value, policy.images)) {
    refuse(image.field, image.value, 'images');
  }
  for (const { field, value } of annotations) {
    for (const key of Object.keys(value)) {
      if (isControlKey(key) && !begins(key, policy.annotationPrefixes)) refuse(field, key, 'annotationPrefixes');
    }
  }
  for (const key of Object.keys(podLabels.value)) {
    if (!begins(key, policy.labelPrefixes)) refuse(podLabels.field, key, 'labelPrefixes');
  }
  for (const { field, value } of hosts) {
    if (!isHostAllowed(value, policy.hostSuffixes)) refuse(field, value, 'hostSuffixes');
  }
  if (issuer !== null && !isIssuerAllowed(issuer.value, policy.issuers)) {
    refuse(issuer.field, `${issuer.value.kind}/${issuer.value.name}`, 'issuers');
  }
  if (service !== null && service.value.type !== 'ClusterIP' && !isListed(service.value.type, policy.serviceTypes)) {
    refuse(`${service.field}.type`, service.value.type, 'serviceTypes');
  }
  const balancer = service?.value.loadBalancerClass;
  if (balancer !== undefined && !isListed(balancer, policy.loadBalancerClasses)) {
    refuse(`${service?.field}.loadBalancerClass`, balancer, 'loadBalancerClasses');
  }
  if (priorityClass !== null && !isListed(priorityClass.value, policy.priorityClasses)) {
    refuse(priorityClass.field, priorityClass.value, 'priorityClasses');
  }
  return problems;
}

const isListed = (value: string, list: readonly string[]) => list.includes('*') || list.includes(value);
const begins = (key: string, prefixes: readonly string[]) =>
  prefixes.some((prefix) => prefix === '*' || key.startsWith(prefix));

/** `registry:5000/a/b:tag@sha256:...` belongs to the repository `registry:5000/a/b`. */
function isImageAllowed(image: string, allowed: readonly string[]): boolean {
  const [named = ''] = image.split('@');
  const colon = named.lastIndexOf(':');
  const repository = colon > named.lastIndexOf('/') ? named.slice(0, colon) : named;
  return allowed.some(
    (entry) => entry === '*' || (entry.endsWith('/') ? repository.startsWith(entry) : repository === entry),
  );
}

function hostsOf({ ingress, route, tls }: Pick<Gateway, 'ingress' | 'route' | 'tls'>): readonly Field<string>[] {
  const all = (field: string, values: readonly string[]) => values.map((value) => ({ field, value }));
  return [
    ...all('gateway.ingress.host', ingress === undefined ? [] : [ingress.host]),
    // Without a name the route is for every name of its Gateway.
    ...all('gateway.route.hostnames', route?.hostnames.length === 0 ? ['*'] : (route?.hostnames ?? [])),
    ...all('gateway.tls.dnsNames', tls.issuerRef === undefined ? [] : tls.dnsNames),
  ];
}

function isHostAllowed(host: string, suffixes: readonly string[]): boolean {
  return suffixes.some((entry) => {
    const suffix = entry.replace(/^\*?\./, '');
    return entry === '*' || host === suffix || host.endsWith(`.${suffix}`);
  });
}

function isIssuerAllowed({ kind, name, group }: IssuerRef, allowed: readonly string[]): boolean {
  // Issuers of other groups are named with the group, so that an allowed name means one issuer.
  const full = group === 'cert-manager.io' ? `${kind}/${name}` : `${kind}.${group}/${name}`;
  const kindAll = full.replace(/\/[^/]*$/, '/*');
  return allowed.some((entry) => entry === '*' || entry === full || entry === kindAll);
}
