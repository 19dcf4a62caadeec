import { switchPseudonym } from '../../event-log/switch-pseudonym.ts';
import { durationMs } from '../../protocol/subscription/duration.ts';
import { sourceKind, type SourceSpec } from '../../protocol/source.ts';
import type { Wanted } from '../amqp/bindings.ts';
import type { BusMapper } from '../amqp/bus-mapper.ts';
import type { QueueSpec } from '../amqp/queue.ts';
import { openBus } from '../amqp/bus.ts';
import type { BrokerSpec, BusObserver } from '../amqp/bus-endpoint.ts';
import type { BrokerTls } from '../../runtime/amqp/connect.ts';
import type { Endpoint } from '../config/endpoints.ts';
import { createLiveRules } from '../config/live-rules.ts';
import type { TlsFiles } from '../config/secrets.ts';
import { createModAmqpMapper, modAmqpWanted } from '../freeswitch/freeswitch-bus.ts';
import type { ParkSource } from '../freeswitch/freeswitch-names.ts';
import { kazooWanted } from '../kazoo/kazoo-bus.ts';
import { createKazooMapper } from '../kazoo/kazoo-mapper.ts';
import { mappingOptions, type MappingOptions } from '../mapping-options.ts';
import type { SwitchMetrics } from '../metrics/switch-metrics.ts';
import type { Producer, ProducerParts } from './producer.ts';

/** What is consumed, and how it is mapped. */
interface BusKind {
  readonly wanted: Wanted;
  readonly mapper: (mapping: MappingOptions) => BusMapper;
}

/** Consumes the buses of a Kazoo platform. */
export function openKazoo(spec: NonNullable<SourceSpec['kazoo']>, parts: ProducerParts): Producer {
  const { exchange, declareExchange, queue, prefetch, additionalEvents } = spec;
  const of = { source: parts.config.name, exchange, declareExchange, additionalEvents };
  const wanted = kazooWanted({ ...of, queue: queueSpec(queue) });
  return openConsumer({ wanted, mapper: createKazooMapper }, prefetch, parts);
}

/** Consumes what mod_amqp of FreeSWITCH publishes. */
export function openModAmqp(
  { queue, exchange, prefetch }: ModAmqpSpec,
  park: ParkSource,
  parts: ProducerParts,
): Producer {
  const wanted = modAmqpWanted(parts.config.name, exchange, queueSpec(queue));
  const known = new Map<string, string>();
  // Several switches may publish to one exchange.
  const switchId = (name: string): string => {
    const id = known.get(name) ?? switchPseudonym(`${parts.config.name}/${name}`);
    if (known.size < MAX_SWITCHES) known.set(name, id);
    return id;
  };
  const mapper = (mapping: MappingOptions) => createModAmqpMapper({ ...mapping, park, switchId });
  return openConsumer({ wanted, mapper }, prefetch, parts);
}

/** The most switches whose pseudonyms are cached. */
const MAX_SWITCHES = 1_000;

type ModAmqpSpec = NonNullable<NonNullable<SourceSpec['freeswitch']>['amqp']>;

function queueSpec({ type, maxLength, messageTTL, expires }: ModAmqpSpec['queue']): Omit<QueueSpec, 'name'> {
  return { type, maxLength, messageTtlMs: durationMs(messageTTL), expiresMs: durationMs(expires) };
}

/** The broker gives its messages to one of the replicas. */
function openConsumer({ wanted, mapper }: BusKind, prefetch: number, parts: ProducerParts): Producer {
  const { config, replica, eventLog, client, metrics, now } = parts;
  const live = createLiveRules(config.rules);
  const mapping: MappingOptions = { ...mappingOptions(config.spec), accounts: live.rules };
  const specs = new Map<Endpoint, BrokerSpec>();
  const brokersOf = (endpoints: readonly Endpoint[]): readonly BrokerSpec[] => {
    const known = new Map(specs);
    specs.clear();
    for (const one of endpoints) {
      if (one.kind !== 'broker') continue;
      const broker = { url: one.url, tls: tlsOf(one.tls), policy: config.addressPolicy };
      specs.set(one, known.get(one) ?? { name: one.name, broker });
    }
    return [...specs.values()];
  };
  const bus = openBus({
    source: config.name,
    replica,
    brokers: brokersOf(config.endpoints),
    wanted,
    prefetch,
    mapper: () => mapper(mapping),
    holdMs: mapping.holdMs,
    eventLog,
    client,
    keyPrefix: config.spec.redis.keyPrefix,
    observer: observe(metrics.switchesOf(config.name, sourceKind(config.spec)), parts),
    now,
  });
  metrics.observeSwitches(config.name, () => ({ ringBytes: 0, switches: bus.figures() }));
  return {
    follow({ endpoints, rules }) {
      live.set(rules);
      bus.setBrokers(brokersOf(endpoints));
    },
    // The broker keeps the messages for the other replicas.
    behind: () => [],
    ended: bus.ended,
    [Symbol.asyncDispose]: () => bus[Symbol.asyncDispose](),
  };
}

/** Logs one line for each change of a broker's state, and for each gap. */
function observe(metrics: SwitchMetrics, { logger }: ProducerParts): BusObserver {
  return {
    connectEnded: (endpoint, outcome) => metrics.connectEnded(endpoint, outcome),
    eventRead: (endpoint, outcome, reason) => metrics.eventRead(endpoint, outcome, reason),
    eventAppended: (endpoint, event, outcome, lagMs) => metrics.eventAppended(endpoint, event, outcome, lagMs),
    gapTold(endpoint, gap) {
      metrics.gapTold(endpoint, gap);
      logger.warn({ endpoint, reason: gap.reason, from: gap.from, to: gap.to }, 'the log has a gap of the bus');
    },
    stateChanged(endpoint, { connected, bound, reason }) {
      if (reason !== null) logger.error({ endpoint, connected, bound, reason }, 'the broker does not serve');
      else if (bound) logger.info({ endpoint }, 'the bus is consumed');
    },
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
