import type { Subscription } from '../../protocol/subscription.ts';
import { addressDestinations, destinationRules, DNS_RULE, natsDestinations, type Destination } from './egress.ts';

/** Addresses of IPv4 that do not belong to the public internet (IANA's registry), and a cloud's host agent. */
const NOT_PUBLIC = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Global unicast, without the tunnels that contain IPv4 addresses. */
const PUBLIC_BLOCKS = [
  { ipBlock: { cidr: '0.0.0.0/0', except: NOT_PUBLIC } },
  { ipBlock: { cidr: '2000::/3', except: ['2001::/32', '2002::/16'] } },
];

/**
 * Destinations of gateways, once events are sent elsewhere: DNS, the servers that the resource names, those of its NATS
 * sinks, and the receivers of its webhooks. A receiver without `allowPrivateAddresses`, and one that a login names, must
 * be on the public internet. The gateway checks each address as well; this policy applies even if that check failed. Null
 * when there can be neither a webhook nor a sink. `redis` is null while unknown, which keeps every way to it open. Pure.
 */
export function gatewayEgress(
  { spec }: Pick<Subscription, 'spec'>,
  redis: readonly Destination[] | null,
): readonly object[] | null {
  const webhooks = spec.consumerGroups.flatMap(({ webhook }) => (webhook === undefined ? [] : [webhook]));
  const sinks = spec.consumerGroups.flatMap(({ nats }) => (nats === undefined ? [] : [nats]));
  const { selfService, allowedPorts } = spec.webhooks;
  if (webhooks.length === 0 && sinks.length === 0 && !selfService.enabled) return null;
  const { directory, kazoo, oidc } = spec.auth;
  const named = [
    ...(redis ?? [{ host: '', port: null }]),
    ...addressDestinations(spec.telemetry.otlp?.endpoint),
    ...addressDestinations(directory?.http?.url),
    ...addressDestinations(kazoo?.url),
    ...addressDestinations(oidc?.issuer),
    // Its keys may be on another host.
    ...(oidc === undefined ? [] : [{ host: '', port: 443 }]),
    ...sinks.flatMap(({ servers }) => servers.flatMap(natsDestinations)),
    ...webhooks.flatMap(({ url, allowPrivateAddresses }) => (allowPrivateAddresses ? addressDestinations(url) : [])),
  ];
  const publicPorts = webhooks
    .filter(({ allowPrivateAddresses }) => !allowPrivateAddresses)
    .flatMap(({ url }) => addressDestinations(url).map(({ port }) => port));
  const ports = [...new Set([...publicPorts, ...(selfService.enabled ? allowedPorts : [])])].map((port) => ({
    protocol: 'TCP',
    port,
  }));
  const toReceivers = ports.length === 0 ? [] : [{ to: PUBLIC_BLOCKS, ports }];
  return [DNS_RULE, ...destinationRules(named), ...toReceivers];
}
