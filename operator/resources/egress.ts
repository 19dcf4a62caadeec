import { isIP } from 'node:net';
import type { RedisConnection } from '../../runtime/redis/connection.ts';

/** Destinations of pods, as a NetworkPolicy needs them. */
export interface Destination {
  /** Empty: any. */
  readonly host: string;
  /** Null: any port, of servers whose addresses others name. */
  readonly port: number | null;
}

export const DNS_RULE = {
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
};

/** A policy knows addresses and no names: for a destination with a name, only its port is allowed. Pure. */
export function destinationRules(destinations: readonly Destination[]): readonly object[] {
  const rules = destinations.map(({ host, port }) => {
    const family = isIP(host);
    const to = family === 0 ? {} : { to: [{ ipBlock: { cidr: `${host}/${family === 4 ? 32 : 128}` } }] };
    return { ...to, ports: [{ protocol: 'TCP', ...(port !== null && { port }) }] };
  });
  return [...new Map(rules.map((rule) => [JSON.stringify(rule), rule])).values()];
}

/** Sentinels and clusters name servers themselves, whose ports are not known in advance. */
export function redisDestinations({ mode, nodes }: Pick<RedisConnection, 'mode' | 'nodes'>): readonly Destination[] {
  return mode === 'Standalone' ? nodes.map(({ host, port }) => ({ host, port })) : [{ host: '', port: null }];
}

/** From an HTTP address; none when there is none. */
export function addressDestinations(address: string | undefined): readonly Destination[] {
  const url = address === undefined ? null : URL.parse(address);
  if (url === null) return [];
  return [{ host: bareHost(url.hostname), port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) }];
}

const NATS_PORT = 4_222;

/** From a server as `tls://host:port`. */
export function natsDestinations(server: string): readonly Destination[] {
  const { hostname, port } = new URL(server);
  return [{ host: bareHost(hostname), port: Number(port) || NATS_PORT }];
}

/** Without the brackets of IPv6. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
