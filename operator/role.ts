import {
  AUTOSCALERS,
  CERTIFICATES,
  CONFIG_MAPS,
  DEPLOYMENTS,
  DISRUPTION_BUDGETS,
  EVENTS,
  INGRESSES,
  LEASES,
  NETWORK_POLICIES,
  PODS,
  ROUTES,
  SECRETS,
  SERVICE_MONITORS,
  SERVICES,
  SOURCES,
  SUBSCRIPTIONS,
  type Kind,
} from './kubernetes/objects.ts';

/** Kinds of Kubernetes' own that a resource may own, all followed from the start. */
export const FOLLOWED: readonly Kind[] = [
  DEPLOYMENTS,
  SERVICES,
  CONFIG_MAPS,
  DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  AUTOSCALERS,
  INGRESSES,
];

export interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const rule = ({ group, plural }: Kind, verbs: readonly string[], subresource = ''): Rule => ({
  apiGroups: [group],
  resources: [`${plural}${subresource}`],
  verbs,
});

/** `get` is for a name that the watch does not show: another owner may have it. Server-side apply needs `create` and `patch`. */
const KEPT = ['get', 'list', 'watch', 'create', 'patch'];
/** Kinds that are wanted at times only, and the Deployment before Redis is cleaned up. */
const PRUNED = [...KEPT, 'delete'];
const ALWAYS_WANTED: ReadonlySet<Kind> = new Set([CONFIG_MAPS, DISRUPTION_BUDGETS]);

/** What the operator may do in the namespaces that it watches: the chart's role is made of it. */
export const WATCHED_RULES: readonly Rule[] = [
  ...[SUBSCRIPTIONS, SOURCES].flatMap((kind) => [
    rule(kind, ['list', 'watch', 'patch']),
    rule(kind, ['patch'], '/status'),
    // To block the deletion of an owner, where the cluster asks for that.
    rule(kind, ['update'], '/finalizers'),
  ]),
  // Never listed, never watched: read by name.
  rule(SECRETS, ['get', 'create', 'patch']),
  rule(EVENTS, ['create']),
  // Why gateways do not come up: the last lines that their containers wrote.
  rule(PODS, ['list']),
  ...[...FOLLOWED, ROUTES, CERTIFICATES, SERVICE_MONITORS].map((kind) =>
    rule(kind, ALWAYS_WANTED.has(kind) ? KEPT : PRUNED),
  ),
];

/** What it may do in its own namespace. */
export const OWN_RULES: readonly Rule[] = [rule(LEASES, ['get', 'create', 'update'])];
