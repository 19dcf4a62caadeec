import { isIP } from 'node:net';
import { NETWORK_POLICIES, type KubeObject } from '../kubernetes/objects.ts';
import { innerPeers } from '../resources/availability.ts';
import { INNER_PORT, ownedBy, selectorOf } from '../resources/rendering.ts';
import { sourceNames, sourceOwner, type Destination, type SourceRendering } from './rendering.ts';

const DNS = [
  { protocol: 'UDP', port: 53 },
  { protocol: 'TCP', port: 53 },
];

/**
 * Metrics may be read, switches may reach the listener; out go DNS, Redis, the switches and the collector. A policy knows
 * addresses and no names: a destination with a name is its port alone.
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
      egress: [{ ports: DNS }, ...egress(destinations)],
    },
  });
}

function egress(destinations: readonly Destination[]): readonly object[] {
  const rules = destinations.map(({ host, port }) => {
    const family = isIP(host);
    const to = family === 0 ? {} : { to: [{ ipBlock: { cidr: `${host}/${family === 4 ? 32 : 128}` } }] };
    return { ...to, ports: [{ protocol: 'TCP', ...(port !== null && { port }) }] };
  });
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}
