import { LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import type { Subscription } from '../../protocol/subscription.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { namesOf } from '../resources/rendering.ts';
import { bad, good, type Finding } from './findings.ts';

export interface Endpoint {
  readonly finding: Finding;
  readonly urls: { readonly url: string; readonly loginURL: string } | null;
}

/**
 * Where clients connect: the ingress, the route, the load balancer, or the Service inside of the cluster. It is ready
 * when a gateway serves there.
 */
export function endpointOf(subscription: Subscription, service: KubeObject | undefined, ready: number): Endpoint {
  const { urls, finding } = addressOf(subscription, service);
  if (urls === null || ready > 0) return { urls, finding };
  return { urls, finding: bad('NoReadyGateway', `no gateway serves ${urls.url} now`) };
}

function addressOf(subscription: Subscription, service: KubeObject | undefined): Endpoint {
  const { spec, metadata } = subscription;
  const { ingress, route, tls, service: wanted } = spec.gateway;
  if (service === undefined) return { finding: bad('ServicePending', 'the Service is not there yet'), urls: null };
  const [hostname] = route?.hostnames ?? [];
  const outer = ingress?.host ?? hostname;
  // The platform terminates TLS in front of a plain gateway: clients are assumed to use it.
  if (outer !== undefined) return at(outer, ingress === undefined || !tls.disabled);
  const isTls = !tls.disabled;
  const port = wanted.port === (isTls ? 443 : 80) ? '' : `:${wanted.port}`;
  if (wanted.type !== 'LoadBalancer') {
    return at(`${namesOf(metadata.name).service}.${metadata.namespace}.svc${port}`, isTls);
  }
  const status = service['status'] as { loadBalancer?: { ingress?: { ip?: string; hostname?: string }[] } } | undefined;
  const [first] = status?.loadBalancer?.ingress ?? [];
  const address = first?.hostname ?? first?.ip;
  if (address === undefined) {
    return { finding: bad('LoadBalancerPending', 'the load balancer has no address yet'), urls: null };
  }
  return at(`${address.includes(':') ? `[${address}]` : address}${port}`, isTls);
}

function at(host: string, isTls: boolean): Endpoint {
  const s = isTls ? 's' : '';
  const urls = { url: `ws${s}://${host}${STREAM_PATH}`, loginURL: `http${s}://${host}${LOGIN_PATH}` };
  return { finding: good('Reachable', urls.url), urls };
}
