import {
  AUTOSCALERS,
  DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  SERVICE_MONITORS,
  type KubeObject,
} from '../kubernetes/objects.ts';
import { gatewayEgress } from './gateway-egress.ts';
import {
  componentOf,
  INNER_PORT,
  namesOf,
  owned,
  ownedBy,
  PUBLIC_PORT,
  selectorOf,
  subscriptionOwner,
  type Owner,
  type Rendering,
  type RenderSettings,
} from './rendering.ts';

/** How many gateways a drain of nodes may evict at once. */
export function disruptionBudget(rendering: Rendering): KubeObject {
  const { metadata, spec } = rendering.subscription;
  return disruptionBudgetOf(
    subscriptionOwner(rendering),
    namesOf(metadata.name).gateway,
    spec.gateway.disruptionBudget.maxUnavailable,
  );
}

/** The same for the pods of any resource. */
export function disruptionBudgetOf(owner: Owner, name: string, maxUnavailable: number): KubeObject {
  return ownedBy(owner, DISRUPTION_BUDGETS, name, {
    spec: {
      maxUnavailable,
      selector: { matchLabels: selectorOf(owner.name, componentOf(owner.kind.kind)) },
      // A pod that is not ready serves no client: it must not delay the drain of a node.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  });
}

/** Peers that may reach an inner port: this namespace and those of the platform. */
export function innerPeers(namespace: string, { innerFromNamespaces }: RenderSettings): readonly object[] {
  return [...new Set([namespace, ...innerFromNamespaces])].map((name) => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': name } },
  }));
}

/**
 * All peers may reach the public port; only this namespace and those of the platform may reach the inner one. What gateways
 * connect to is limited once a webhook or a sink is declared.
 */
export function networkPolicy(rendering: Rendering): KubeObject {
  const { metadata } = rendering.subscription;
  const from = innerPeers(metadata.namespace, rendering.settings);
  const egress = gatewayEgress(rendering.subscription, rendering.redis);
  return owned(rendering, NETWORK_POLICIES, namesOf(metadata.name).gateway, {
    spec: {
      podSelector: { matchLabels: selectorOf(metadata.name) },
      policyTypes: egress === null ? ['Ingress'] : ['Ingress', 'Egress'],
      ingress: [
        { ports: [{ protocol: 'TCP', port: PUBLIC_PORT }] },
        { from, ports: [{ protocol: 'TCP', port: INNER_PORT }] },
      ],
      ...(egress !== null && { egress }),
    },
  });
}

/** By CPU. Null when the resource does not request one. */
export function autoscaler(rendering: Rendering): KubeObject | null {
  const { metadata, spec } = rendering.subscription;
  const { autoscaling } = spec.gateway;
  if (autoscaling === undefined) return null;
  const name = namesOf(metadata.name).gateway;
  const target = { type: 'Utilization', averageUtilization: autoscaling.cpuUtilization };
  return owned(rendering, AUTOSCALERS, name, {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name },
      minReplicas: autoscaling.minReplicas,
      maxReplicas: autoscaling.maxReplicas,
      metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
      behavior: { scaleDown: { stabilizationWindowSeconds: autoscaling.scaleDownStabilization } },
    },
  });
}

/** For the Prometheus operator. */
export function serviceMonitor(rendering: Rendering): KubeObject {
  const { name } = rendering.subscription.metadata;
  return serviceMonitorOf(subscriptionOwner(rendering), namesOf(name).gateway, rendering.settings);
}

/** The same for the pods of any resource. */
export function serviceMonitorOf(owner: Owner, name: string, settings: RenderSettings): KubeObject {
  const monitor = ownedBy(owner, SERVICE_MONITORS, name, {
    spec: {
      selector: { matchLabels: selectorOf(owner.name, componentOf(owner.kind.kind)) },
      // The label `job` is the resource's name, which distinguishes two resources of a namespace.
      jobLabel: 'app.kubernetes.io/instance',
      endpoints: [{ port: 'inner', path: '/metrics' }],
    },
  });
  // The operator's labels override others: it finds its objects by them.
  const labels = { ...settings.serviceMonitorLabels, ...monitor.metadata.labels };
  return { ...monitor, metadata: { ...monitor.metadata, labels } };
}
