import type { SourceSpec } from '../../protocol/source.ts';
import { asteriskPort } from '../../protocol/source-spec/switches.ts';
import type { RedisConnection } from '../../runtime/redis/connection.ts';
import { addressDestinations, bareHost, redisDestinations, type Destination } from '../resources/egress.ts';

const AMQP_PORTS: Readonly<Record<string, number>> = { 'amqp:': 5_672, 'amqps:': 5_671 };

/** Where the pods of a source connect to. `brokers` are the URLs of its brokers, which contain credentials. Pure. */
export function destinationsOf(
  spec: SourceSpec,
  { redis, brokers }: { readonly redis: RedisConnection | null; readonly brokers: readonly string[] },
): readonly Destination[] {
  return [
    ...(redis === null ? [] : redisDestinations(redis)),
    ...brokers.flatMap((url) => {
      const { hostname = '', port = '', protocol = '' } = URL.parse(url) ?? {};
      return hostname === ''
        ? []
        : [{ host: bareHost(hostname), port: Number(port) || (AMQP_PORTS[protocol] ?? 5_672) }];
    }),
    ...(spec.freeswitch?.endpoints ?? []).map(({ host, port }) => ({ host, port })),
    ...(spec.asterisk?.endpoints ?? []).flatMap((one) => {
      const port = asteriskPort(one);
      return one.host === undefined || port === null ? [] : [{ host: one.host, port }];
    }),
    ...addressDestinations(spec.telemetry.otlp?.endpoint),
  ];
}
