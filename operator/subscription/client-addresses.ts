import type { Subscription } from '../../protocol/subscription.ts';
import { good, type Finding } from './findings.ts';

/**
 * Whether gateways see the proxy's address instead of the clients'. Limits of logins and handshakes then count all
 * clients as one. An Ingress and an HTTPRoute are proxies; a NodePort replaces addresses on the way. A LoadBalancer
 * keeps them, because its Service has `externalTrafficPolicy: Local`. Null when addresses are known.
 */
export function clientAddresses({ spec }: Subscription): Finding | null {
  const { ingress, route, service, trustedProxies, proxyProtocol } = spec.gateway;
  const way =
    ingress !== undefined
      ? 'gateway.ingress'
      : route !== undefined
        ? 'gateway.route'
        : service.type === 'NodePort'
          ? 'a NodePort'
          : null;
  if (way === null || trustedProxies.length > 0 || proxyProtocol) return null;
  const remedy =
    way === 'a NodePort'
      ? 'put a balancer with the PROXY protocol in front (gateway.proxyProtocol and gateway.trustedProxies)'
      : "set gateway.trustedProxies to the proxy's addresses, or gateway.proxyProtocol";
  return good('NoTrustedProxies', `clients come through ${way} and share its address in every limit: ${remedy}`);
}
