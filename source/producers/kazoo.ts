import { durationMs } from '../../protocol/subscription/duration.ts';
import type { SourceSpec } from '../../protocol/source.ts';
import { openBus } from '../amqp/bus.ts';
import type { BrokerSpec } from '../amqp/bus-endpoint.ts';
import type { BrokerTls } from '../amqp/connect.ts';
import type { Endpoint } from '../config/endpoints.ts';
import type { TlsFiles } from '../config/secrets.ts';
import { kazooWanted } from '../kazoo/kazoo-bus.ts';
import { createKazooMapper } from '../kazoo/kazoo-mapper.ts';
import { mappingOptions } from '../mapping-options.ts';
import type { Producer, ProducerParts } from './producer.ts';

/** Consumes the buses of a Kazoo platform: the brokers give their messages to one of the replicas. */
export function openKazoo(spec: NonNullable<SourceSpec['kazoo']>, parts: ProducerParts): Producer {
  const { config, replica, eventLog, client, now } = parts;
  const { exchange, declareExchange, queue, prefetch, additionalEvents } = spec;
  const mapping = mappingOptions(config.spec);
  const specs = new Map<Endpoint, BrokerSpec>();
  const brokersOf = (endpoints: readonly Endpoint[]): readonly BrokerSpec[] => {
    const known = new Map(specs);
    specs.clear();
    for (const one of endpoints) {
      if (one.kind !== 'kazoo') continue;
      const broker = { url: one.url, tls: tlsOf(one.tls), policy: config.addressPolicy };
      specs.set(one, known.get(one) ?? { name: one.name, broker });
    }
    return [...specs.values()];
  };
  const bus = openBus({
    source: config.name,
    replica,
    brokers: brokersOf(config.endpoints),
    wanted: kazooWanted({
      source: config.name,
      exchange,
      declareExchange,
      queue: {
        type: queue.type,
        maxLength: queue.maxLength,
        messageTtlMs: durationMs(queue.messageTTL),
        expiresMs: durationMs(queue.expires),
      },
      additionalEvents,
    }),
    prefetch,
    mapper: () => createKazooMapper(mapping),
    holdMs: mapping.holdMs,
    eventLog,
    client,
    keyPrefix: config.spec.redis.keyPrefix,
    now,
  });
  return {
    follow: ({ endpoints }) => bus.setBrokers(brokersOf(endpoints)),
    ended: bus.ended,
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  };
}

function tlsOf({ ca, cert, key, serverName }: TlsFiles): BrokerTls {
  return {
    ...(ca !== null && { ca: Buffer.from(ca) }),
    ...(cert !== null && { cert: Buffer.from(cert) }),
    ...(key !== null && { key: Buffer.from(key) }),
    ...(serverName !== null && { servername: serverName }),
  };
}
