import {
  AUTOSCALERS,
  DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  SERVICE_MONITORS,
  type KubeObject,
} from '../kubernetes/objects.ts';
import { INNER_PORT, namesOf, owned, PUBLIC_PORT, selectorOf, type Rendering } from './rendering.ts';

/** How many gateways a drain of nodes may take at once. */
export function disruptionBudget(rendering: Rendering): KubeObject {
  const { metadata, spec } = rendering.subscription;
  return owned(rendering, DISRUPTION_BUDGETS, namesOf(metadata.name).gateway, {
    spec: {
      maxUnavailable: spec.gateway.disruptionBudget.maxUnavailable,
      selector: { matchLabels: selectorOf(metadata.name) },
      // A gateway that is not ready serves no client: it must not delay the drain of a node.
      unhealthyPodEvictionPolicy: 'AlwaysAllow',
    },
  });
}

/** All peers may reach the public port; only this namespace and those of the platform may reach the inner one. */
export function networkPolicy(rendering: Rendering): KubeObject {
  const { metadata } = rendering.subscription;
  const namespaces = [metadata.namespace, ...rendering.settings.innerFromNamespaces];
  const from = [...new Set(namespaces)].map((namespace) => ({
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
  }));
  return owned(rendering, NETWORK_POLICIES, namesOf(metadata.name).gateway, {
    spec: {
      podSelector: { matchLabels: selectorOf(metadata.name) },
      policyTypes: ['Ingress'],
      ingress: [
        { ports: [{ protocol: 'TCP', port: PUBLIC_PORT }] },
        { from, ports: [{ protocol: 'TCP', port: INNER_PORT }] },
      ],
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
  const monitor = owned(rendering, SERVICE_MONITORS, namesOf(name).gateway, {
    spec: {
      selector: { matchLabels: selectorOf(name) },
      // The label `job` is the resource's name: two resources of a namespace can be distinguished.
      jobLabel: 'app.kubernetes.io/instance',
      endpoints: [{ port: 'inner', path: '/metrics' }],
    },
  });
  // The operator's labels win: it finds its objects by them.
  const labels = { ...rendering.settings.serviceMonitorLabels, ...monitor.metadata.labels };
  return { ...monitor, metadata: { ...monitor.metadata, labels } };
}
