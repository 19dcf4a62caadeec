import { NETWORK_POLICIES, type KubeObject } from '../kubernetes/objects.ts';
import { innerPeers } from '../resources/availability.ts';
import { destinationRules, DNS_RULE } from '../resources/egress.ts';
import { INNER_PORT, ownedBy, selectorOf } from '../resources/rendering.ts';
import { sourceNames, sourceOwner, type SourceRendering } from './rendering.ts';

/**
 * Metrics may be read, switches may reach the listener; out go DNS, Redis, the switches and the collector.
 */
export function sourceNetworkPolicy(rendering: SourceRendering): KubeObject {
  const { source, settings, destinations } = rendering;
  const { name, namespace } = source.metadata;
  const { listen } = source.spec.asterisk ?? {};
  const tcp = (port: number) => ({ protocol: 'TCP', port });
  return ownedBy(sourceOwner(rendering), NETWORK_POLICIES, sourceNames(name).workload, {
    spec: {
      podSelector: { matchLabels: selectorOf(name, 'source') },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { from: innerPeers(namespace, settings), ports: [tcp(INNER_PORT)] },
        ...(listen === undefined ? [] : [{ ports: [tcp(listen.port)] }]),
      ],
      egress: [DNS_RULE, ...destinationRules(destinations)],
    },
  });
}
