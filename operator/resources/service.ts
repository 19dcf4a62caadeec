import type { Subscription } from '../../protocol/subscription.ts';
import { SERVICES, type KubeObject } from '../kubernetes/objects.ts';
import {
  componentOf,
  INNER_PORT,
  namesOf,
  ownedBy,
  PUBLIC_PORT,
  selectorOf,
  subscriptionOwner,
  type Owner,
  type Rendering,
} from './rendering.ts';

/** The Service that clients reach. */
export function publicService(rendering: Rendering): KubeObject {
  const { metadata, spec } = rendering.subscription;
  const { service, tls } = spec.gateway;
  return exposed(subscriptionOwner(rendering), namesOf(metadata.name).service, {
    service,
    isPlain: tls.disabled,
    targetPort: PUBLIC_PORT,
  });
}

interface Exposed {
  readonly service: Subscription['spec']['gateway']['service'];
  /** Without TLS. */
  readonly isPlain: boolean;
  readonly targetPort: number;
}

/** A Service that peers outside may reach, to the pods of any resource. */
export function exposed(owner: Owner, name: string, { service, isPlain, targetPort }: Exposed): KubeObject {
  const protocol = isPlain ? 'http' : 'https';
  const port = { name: protocol, port: service.port, targetPort, protocol: 'TCP', appProtocol: protocol };
  const body = {
    spec: {
      type: service.type,
      selector: selectorOf(owner.name, componentOf(owner.kind.kind)),
      ports: [port],
      // Preserves the peers' addresses: limits of logins and handshakes count by them.
      ...(service.type === 'LoadBalancer' && { externalTrafficPolicy: 'Local' }),
      ...(service.loadBalancerClass !== undefined && { loadBalancerClass: service.loadBalancerClass }),
    },
  };
  return ownedBy(owner, SERVICES, name, body, service.annotations);
}

/** Health, metrics, ingest: only for the platform. */
export function innerService(rendering: Rendering): KubeObject {
  return innerServiceOf(subscriptionOwner(rendering), namesOf(rendering.subscription.metadata.name).inner);
}

/** Health and metrics of the pods of any resource. */
export function innerServiceOf(owner: Owner, name: string): KubeObject {
  const port = { name: 'inner', port: INNER_PORT, targetPort: INNER_PORT, protocol: 'TCP', appProtocol: 'http' };
  return ownedBy(owner, SERVICES, name, {
    spec: { type: 'ClusterIP', selector: selectorOf(owner.name, componentOf(owner.kind.kind)), ports: [port] },
  });
}
