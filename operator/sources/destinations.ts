import type { SourceSpec } from '../../protocol/source.ts';
import { asteriskPort } from '../../protocol/source-spec/switches.ts';
import type { RedisConnection } from '../../runtime/redis/connection.ts';
import type { Destination } from './rendering.ts';

const AMQP_PORTS: Readonly<Record<string, number>> = { 'amqp:': 5_672, 'amqps:': 5_671 };

/** Where the pods of a source connect to. `brokers` are the URLs of its brokers, which hold credentials. Pure. */
export function destinationsOf(
  spec: SourceSpec,
  { redis, brokers }: { readonly redis: RedisConnection | null; readonly brokers: readonly string[] },
): readonly Destination[] {
  return [
    ...redisServers(redis),
    ...brokers.flatMap((url) => {
      const { hostname = '', port = '', protocol = '' } = URL.parse(url) ?? {};
      return hostname === '' ? [] : [{ host: bare(hostname), port: Number(port) || (AMQP_PORTS[protocol] ?? 5_672) }];
    }),
    ...(spec.freeswitch?.endpoints ?? []).map(({ host, port }) => ({ host, port })),
    ...(spec.asterisk?.endpoints ?? []).flatMap((one) => {
      const port = asteriskPort(one);
      return one.host === undefined || port === null ? [] : [{ host: one.host, port }];
    }),
    ...collector(spec.telemetry.otlp?.endpoint),
  ];
}

/** Sentinels and clusters name servers of their own, whose ports nobody knows before. */
function redisServers(redis: RedisConnection | null): readonly Destination[] {
  if (redis === null) return [];
  return redis.mode === 'Standalone'
    ? redis.nodes.map(({ host, port }) => ({ host, port }))
    : [{ host: '', port: null }];
}

function collector(endpoint: string | undefined): readonly Destination[] {
  const url = endpoint === undefined ? null : URL.parse(endpoint);
  if (url === null) return [];
  return [{ host: bare(url.hostname), port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) }];
}

/** Without the brackets of IPv6. */
function bare(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}
