import { SERVICES, type KubeObject } from '../kubernetes/objects.ts';
import { INNER_PORT, namesOf, owned, PUBLIC_PORT, selectorOf, type Rendering } from './rendering.ts';

/** What clients reach. */
export function publicService(rendering: Rendering): KubeObject {
  const { metadata, spec } = rendering.subscription;
  const { service, tls } = spec.gateway;
  const protocol = tls.disabled ? 'http' : 'https';
  const port = { name: protocol, port: service.port, targetPort: PUBLIC_PORT, protocol: 'TCP', appProtocol: protocol };
  const body = {
    spec: {
      type: service.type,
      selector: selectorOf(metadata.name),
      ports: [port],
      // Keeps the clients' addresses: limits of logins and handshakes count by them.
      ...(service.type === 'LoadBalancer' && { externalTrafficPolicy: 'Local' }),
      ...(service.loadBalancerClass !== undefined && { loadBalancerClass: service.loadBalancerClass }),
    },
  };
  return owned(rendering, SERVICES, namesOf(metadata.name).service, body, service.annotations);
}

/** Health, metrics, ingest: for the platform alone. */
export function innerService(rendering: Rendering): KubeObject {
  const { name } = rendering.subscription.metadata;
  const port = { name: 'inner', port: INNER_PORT, targetPort: INNER_PORT, protocol: 'TCP', appProtocol: 'http' };
  return owned(rendering, SERVICES, namesOf(name).inner, {
    spec: { type: 'ClusterIP', selector: selectorOf(name), ports: [port] },
  });
}
