import {
  AUTOSCALERS,
  CERTIFICATES,
  CONFIG_MAPS,
  DEPLOYMENTS,
  DISRUPTION_BUDGETS,
  INGRESSES,
  NETWORK_POLICIES,
  ROUTES,
  SERVICE_MONITORS,
  SERVICES,
  type Kind,
  type KubeObject,
} from '../kubernetes/objects.ts';
import { autoscaler, disruptionBudget, networkPolicy, serviceMonitor } from './availability.ts';
import { configMap } from './config-map.ts';
import { deployment } from './deployment.ts';
import { certificate, httpRoute, ingress } from './exposure.ts';
import { namesOf, type Rendering } from './rendering.ts';
import { innerService, publicService } from './service.ts';

export interface Desired {
  readonly kind: Kind;
  readonly object: KubeObject;
}

/**
 * Every kind that a resource may own, with the names of its objects; Secrets are separate. In the order of creation.
 */
export function ownedNames(name: string): readonly { readonly kind: Kind; readonly names: readonly string[] }[] {
  const { config, service, inner, gateway, tls } = namesOf(name);
  return [
    { kind: CONFIG_MAPS, names: [config] },
    { kind: SERVICES, names: [service, inner] },
    { kind: NETWORK_POLICIES, names: [gateway] },
    { kind: CERTIFICATES, names: [tls] },
    { kind: DEPLOYMENTS, names: [gateway] },
    { kind: DISRUPTION_BUDGETS, names: [gateway] },
    { kind: AUTOSCALERS, names: [gateway] },
    { kind: INGRESSES, names: [service] },
    { kind: ROUTES, names: [service] },
    { kind: SERVICE_MONITORS, names: [gateway] },
  ];
}

/**
 * All objects of a resource except its Secrets. `replicas` is null while an autoscaler decides; `workload` is false
 * until the gateways have what they need to start.
 */
export function desiredObjects(
  rendering: Rendering,
  options: { replicas: number | null; workload: boolean },
): readonly Desired[] {
  const { spec } = rendering.subscription;
  const isScaled = spec.gateway.autoscaling !== undefined && !spec.suspend && options.workload;
  const all: [Kind, KubeObject | null][] = [
    [CONFIG_MAPS, configMap(rendering)],
    [SERVICES, publicService(rendering)],
    [SERVICES, innerService(rendering)],
    [NETWORK_POLICIES, spec.gateway.networkPolicy.enabled ? networkPolicy(rendering) : null],
    [CERTIFICATES, certificate(rendering)],
    [DEPLOYMENTS, options.workload ? deployment(rendering, options.replicas) : null],
    [DISRUPTION_BUDGETS, disruptionBudget(rendering)],
    [AUTOSCALERS, isScaled ? autoscaler(rendering) : null],
    [INGRESSES, ingress(rendering)],
    [ROUTES, httpRoute(rendering)],
    [SERVICE_MONITORS, rendering.settings.serviceMonitors ? serviceMonitor(rendering) : null],
  ];
  return all.flatMap(([kind, object]) => (object === null ? [] : [{ kind, object }]));
}
