import { stringify } from 'yaml';
import {
  CERTIFICATES,
  CONFIG_MAPS,
  DEPLOYMENTS,
  DISRUPTION_BUDGETS,
  NETWORK_POLICIES,
  SERVICE_MONITORS,
  SERVICES,
  type Kind,
  type KubeObject,
} from '../kubernetes/objects.ts';
import { disruptionBudgetOf, serviceMonitorOf } from '../resources/availability.ts';
import type { Desired } from '../resources/desired.ts';
import { placement, POD_SECURITY, RESTART_ANNOTATION } from '../resources/pod.ts';
import { labelsOf, ownedBy, selectorOf } from '../resources/rendering.ts';
import { exposed, innerServiceOf } from '../resources/service.ts';
import { sourceContainer, sourceVolumes } from './container.ts';
import { sourceNetworkPolicy } from './network-policy.ts';
import { listenNames, sourceNames, sourceOwner, type SourceRendering } from './rendering.ts';

/** Time for a replica to append its events and to hand over. */
const GRACE_S = 30;

/** Every kind that a source may own, with the names of its objects; Secrets are separate. */
export function ownedBySource(name: string): readonly { readonly kind: Kind; readonly names: readonly string[] }[] {
  const { workload, inner, listen, tls } = sourceNames(name);
  return [
    { kind: CONFIG_MAPS, names: [workload] },
    { kind: SERVICES, names: [inner, listen] },
    { kind: NETWORK_POLICIES, names: [workload] },
    { kind: CERTIFICATES, names: [tls] },
    { kind: DEPLOYMENTS, names: [workload] },
    { kind: DISRUPTION_BUDGETS, names: [workload] },
    { kind: SERVICE_MONITORS, names: [workload] },
  ];
}

/** All objects of a source except its Secrets. `hasWorkload` is false until its pods have what they need to start. */
export function desiredOfSource(rendering: SourceRendering, hasWorkload: boolean): readonly Desired[] {
  const { source, settings } = rendering;
  const { spec } = source;
  const owner = sourceOwner(rendering);
  const { workload, inner } = sourceNames(source.metadata.name);
  const all: [Kind, KubeObject | null][] = [
    [CONFIG_MAPS, configMap(rendering)],
    [SERVICES, innerServiceOf(owner, inner)],
    [SERVICES, listenService(rendering)],
    [NETWORK_POLICIES, hasWorkload && spec.networkPolicy.enabled ? sourceNetworkPolicy(rendering) : null],
    [CERTIFICATES, certificate(rendering)],
    [DEPLOYMENTS, hasWorkload ? deployment(rendering) : null],
    [DISRUPTION_BUDGETS, disruptionBudgetOf(owner, workload, spec.disruptionBudget.maxUnavailable)],
    [SERVICE_MONITORS, settings.serviceMonitors ? serviceMonitorOf(owner, workload, settings) : null],
  ];
  return all.flatMap(([kind, object]) => (object === null ? [] : [{ kind, object }]));
}

/** The source with all of its defaults, as it is read from a file everywhere. */
function configMap(rendering: SourceRendering): KubeObject {
  const { apiVersion, kind, metadata, spec } = rendering.source;
  const { name, namespace } = metadata;
  const text = stringify(
    { apiVersion, kind, metadata: { name, namespace }, spec },
    { lineWidth: 0, aliasDuplicateObjects: false },
  );
  return ownedBy(sourceOwner(rendering), CONFIG_MAPS, sourceNames(name).workload, { data: { 'source.yaml': text } });
}

/** New replicas listen before old ones leave, so that no event of a switch is missed. */
function deployment(rendering: SourceRendering): KubeObject {
  const { metadata, spec } = rendering.source;
  const { podTemplate, imagePullSecrets } = spec;
  const selector = selectorOf(metadata.name, 'source');
  const body = {
    replicas: spec.suspend ? 0 : spec.replicas,
    selector: { matchLabels: selector },
    minReadySeconds: 10,
    revisionHistoryLimit: 3,
    progressDeadlineSeconds: 600,
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } },
    template: {
      metadata: {
        labels: { ...podTemplate.labels, ...labelsOf(metadata.name, 'source') },
        annotations: { ...podTemplate.annotations, [RESTART_ANNOTATION]: rendering.restartHash },
      },
      spec: {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        terminationGracePeriodSeconds: GRACE_S,
        securityContext: POD_SECURITY,
        ...(imagePullSecrets.length > 0 && { imagePullSecrets }),
        ...apart(podTemplate.affinity, selector),
        ...placement(podTemplate, selector),
        containers: [sourceContainer(rendering)],
        volumes: sourceVolumes(rendering),
      },
    },
  };
  return ownedBy(sourceOwner(rendering), DEPLOYMENTS, sourceNames(metadata.name).workload, { spec: body });
}

/** Replicas on different nodes, unless the resource says otherwise: a node that dies takes down one of them. */
function apart(given: object | undefined, matchLabels: Readonly<Record<string, string>>): object {
  if (given !== undefined) return {};
  const podAffinityTerm = { labelSelector: { matchLabels }, topologyKey: 'kubernetes.io/hostname' };
  const preferredDuringSchedulingIgnoredDuringExecution = [{ weight: 100, podAffinityTerm }];
  return { affinity: { podAntiAffinity: { preferredDuringSchedulingIgnoredDuringExecution } } };
}

/** The Service that switches connect to (ARIOutbound); null when none does. */
function listenService(rendering: SourceRendering): KubeObject | null {
  const { metadata, spec } = rendering.source;
  const { listen } = spec.asterisk ?? {};
  if (listen === undefined) return null;
  const { service, tls, port } = listen;
  const what = { service, isPlain: tls.disabled, targetPort: port };
  return exposed(sourceOwner(rendering), sourceNames(metadata.name).listen, what);
}

/** Requested from cert-manager; null when the source names no issuer. */
function certificate(rendering: SourceRendering): KubeObject | null {
  const { metadata, spec } = rendering.source;
  const issuerRef = spec.asterisk?.listen?.tls.issuerRef;
  if (issuerRef === undefined) return null;
  const { tls } = sourceNames(metadata.name);
  const dnsNames = listenNames(rendering.source);
  return ownedBy(sourceOwner(rendering), CERTIFICATES, tls, {
    spec: { secretName: tls, issuerRef, dnsNames, usages: ['server auth'] },
  });
}
