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

/** Kinds of Kubernetes itself that a resource may own. All are watched from the start. */
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

/**
 * `get` is for a name that the watch does not show: another owner may have it. Server-side apply needs `create` and `patch`.
 * Kinds that are wanted at times only are deleted, and the Deployment before Redis is cleaned up; for the others admission
 * asks for `delete` where an owner is set on an object that was left without one.
 */
const KEPT = ['get', 'list', 'watch', 'create', 'patch', 'delete'];

/** The operator's rights in the namespaces that it watches: the chart's role is generated from them. */
export const WATCHED_RULES: readonly Rule[] = [
  ...[SUBSCRIPTIONS, SOURCES].flatMap((kind) => [
    rule(kind, ['list', 'watch', 'patch']),
    rule(kind, ['patch'], '/status'),
    // To block the deletion of an owner, where the cluster checks that right.
    rule(kind, ['update'], '/finalizers'),
  ]),
  // Never listed, never watched: read by name. `delete` as above.
  rule(SECRETS, ['get', 'create', 'patch', 'delete']),
  rule(EVENTS, ['create']),
  // Why gateways do not start: the last lines of their containers' logs.
  rule(PODS, ['list']),
  ...[...FOLLOWED, ROUTES, CERTIFICATES, SERVICE_MONITORS].map((kind) => rule(kind, KEPT)),
];

/** The operator's rights in its own namespace. */
export const OWN_RULES: readonly Rule[] = [rule(LEASES, ['get', 'create', 'update'])];
