import type { Subscription } from '../../protocol/subscription.ts';

type Gateway = Subscription['spec']['gateway'];

/** Pods of one revision share this value; a changed one replaces the pods. */
export const RESTART_ANNOTATION = 'firehose.dev/restart-hash';

export const POD_SECURITY = { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } } as const;
export const CONTAINER_SECURITY = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;

const EVERYWHERE = ['kubernetes.io/hostname', 'topology.kubernetes.io/zone'].map((topologyKey) => ({
  maxSkew: 1,
  topologyKey,
  whenUnsatisfiable: 'ScheduleAnyway',
}));

/** Placement of pods according to the resource. `selector` finds them. */
export function placement(template: Gateway['podTemplate'], selector: Readonly<Record<string, string>>) {
  const { nodeSelector, priorityClassName, affinity, tolerations, topologySpreadConstraints } = template;
  const spread = topologySpreadConstraints.length > 0 ? topologySpreadConstraints : EVERYWHERE;
  const labelSelector = { matchLabels: selector };
  return {
    ...(Object.keys(nodeSelector).length > 0 && { nodeSelector }),
    ...(priorityClassName !== undefined && { priorityClassName }),
    ...(affinity !== undefined && { affinity }),
    ...(tolerations.length > 0 && { tolerations }),
    topologySpreadConstraints: spread.map((constraint) => ({ ...constraint, labelSelector })),
  };
}

/** As text: Kubernetes parses 0.5 from it, and compares texts when it is applied. */
export function quantities(resources: Gateway['resources']): object {
  const asText = (map: Readonly<Record<string, string | number>>) =>
    Object.fromEntries(Object.entries(map).map(([name, value]) => [name, String(value)]));
  const { requests, limits } = resources;
  return { ...(requests && { requests: asText(requests) }), ...(limits && { limits: asText(limits) }) };
}
