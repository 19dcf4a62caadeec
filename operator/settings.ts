import { COMMON_SETTINGS } from '../runtime/settings/common-settings.ts';
import { host, integer, list, pattern, port, truth } from '../runtime/settings/kinds.ts';
import { setting, type Kind, type SettingsTable } from '../runtime/settings/setting.ts';
import { SAFE_POLICY } from './policy/policy.ts';

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NAMESPACES = 'a list of namespaces, with commas between them';
const namespaces = list('<names>', NAMESPACES, NAMESPACE);
/** A list of namespaces, or `*` for all. */
const watched: Kind<readonly string[] | '*'> = {
  argument: namespaces.argument,
  expects: `* or ${NAMESPACES}`,
  read: (given) => (given === '*' ? '*' : namespaces.read(given)),
};
const LABEL = /^(?:[a-z0-9.-]{1,253}\/)?[A-Za-z0-9][\w.-]{0,62}=(?:[A-Za-z0-9][\w.-]{0,62})?$/;

export const WATCH_NAMESPACES = setting(watched, {
  flag: 'watch-namespaces',
  shown: 'that of the credentials',
  about: 'namespaces whose resources are reconciled, with commas between them; `*`: the whole cluster',
});

const entries = list('<entries>', 'entries without blanks, with commas between them', /^\S{1,253}$/);
/** An allow-list of the policy: `*` allows everything. */
const allowed = (fallback: readonly string[], about: string) =>
  setting(entries, {
    fallback: fallback.length === 0 ? 'none' : fallback.join(','),
    about: `${about}, with commas between them; \`*\`: all, \`none\`: none`,
  });

/** The settings of an operator. The API server is found as by every client: KUBECONFIG, or the service account. */
export const OPERATOR_SETTINGS = {
  FIREHOSE_GATEWAY_IMAGE: setting(pattern('<image>', /^[^\s]{1,512}$/, 'an image reference'), {
    flag: 'gateway-image',
    required: 'the image of the gateways, as registry.example.com/firehose:1.0.0',
    about: 'image of the gateways whose resource names none',
  }),
  FIREHOSE_WATCH_NAMESPACES: WATCH_NAMESPACES,
  FIREHOSE_NAMESPACE: setting(pattern('<name>', NAMESPACE, 'a namespace'), {
    flag: 'namespace',
    shown: 'that of the credentials',
    about: 'namespace of the Lease',
  }),
  FIREHOSE_IDENTITY: setting(pattern('<name>', /^.{1,253}$/, 'a name of 1 to 253 characters'), {
    shown: '`operator`',
    about: "name of this replica in the Lease: the pod's",
  }),
  FIREHOSE_INNER_FROM_NAMESPACES: setting(namespaces, {
    flag: 'inner-from-namespaces',
    about: 'namespaces that reach the inner ports of the gateways, besides their own',
  }),
  FIREHOSE_ALLOW_IMAGES: allowed(SAFE_POLICY.images, 'repositories of images that a resource may name'),
  FIREHOSE_ALLOW_ANNOTATION_PREFIXES: allowed(
    SAFE_POLICY.annotationPrefixes,
    'beginnings of annotation keys that controllers act on and a resource may set',
  ),
  FIREHOSE_ALLOW_LABEL_PREFIXES: allowed(
    SAFE_POLICY.labelPrefixes,
    'beginnings of label keys that a resource may set on its pods',
  ),
  FIREHOSE_ALLOW_HOST_SUFFIXES: allowed(
    SAFE_POLICY.hostSuffixes,
    'domains that the host names of a resource may be in',
  ),
  FIREHOSE_ALLOW_ISSUERS: allowed(
    SAFE_POLICY.issuers,
    'issuers that a resource may name, as ClusterIssuer/letsencrypt',
  ),
  FIREHOSE_ALLOW_SERVICE_TYPES: allowed(
    SAFE_POLICY.serviceTypes,
    'types of Services that a resource may ask for, as NodePort',
  ),
  FIREHOSE_ALLOW_LOAD_BALANCER_CLASSES: allowed(
    SAFE_POLICY.loadBalancerClasses,
    "load balancer classes that a resource may name besides the cluster's own",
  ),
  FIREHOSE_ALLOW_PRIORITY_CLASSES: allowed(SAFE_POLICY.priorityClasses, 'PriorityClasses that a resource may name'),
  FIREHOSE_ALLOW_PRIVATE_WEBHOOK_HOSTS: allowed(
    SAFE_POLICY.privateWebhookHosts,
    'host names of receivers of webhooks that may have private addresses, as crm.svc.cluster.local',
  ),
  FIREHOSE_ALLOW_SECRET_OWNERS: allowed(
    SAFE_POLICY.secretOwners,
    'kinds whose Secrets a resource may name, as ExternalSecret.external-secrets.io',
  ),
  FIREHOSE_SERVICE_MONITORS: setting(truth, {
    flag: 'service-monitors',
    fallback: 'false',
    about: 'whether each resource gets a ServiceMonitor',
  }),
  FIREHOSE_SERVICE_MONITOR_LABELS: setting(list('<labels>', 'labels as key=value, with commas between them', LABEL), {
    flag: 'service-monitor-labels',
    about: 'labels of the ServiceMonitors, as key=value,key=value',
  }),
  FIREHOSE_OPERATOR_HOST: setting(host, {
    flag: 'host',
    fallback: '*',
    about: 'address of health and metrics; `*`: all, of IPv4 alone where the machine has no IPv6',
  }),
  FIREHOSE_OPERATOR_PORT: setting(port, { flag: 'port', fallback: '8080', about: 'port of health and metrics' }),
  FIREHOSE_RESYNC_SECONDS: setting(integer('<seconds>', 'seconds from 1 to 86400', 1, 86_400), {
    flag: 'resync-seconds',
    fallback: '600',
    about: 'time after which every resource is reconciled again',
  }),
  FIREHOSE_WORKERS: setting(integer('<count>', 'workers from 1 to 64', 1, 64), {
    flag: 'workers',
    fallback: '8',
    about: 'resources that are reconciled at the same time',
  }),
  ...COMMON_SETTINGS,
} as const satisfies SettingsTable;
