import { createAsteriskMapper } from '../asterisk/asterisk-mapper.ts';
import { createAmiSwitch } from '../asterisk/switches/ami-switch.ts';
import { createAriSwitch } from '../asterisk/switches/ari-switch.ts';
import { openCollector, type Collector } from '../collector/collector.ts';
import { sourceKind } from '../../protocol/source.ts';
import type { EndpointSpec } from '../collector/hearing.ts';
import { createLiveRules } from '../config/live-rules.ts';
import type { AsteriskEndpoint, Endpoint, FreeswitchEndpoint } from '../config/endpoints.ts';
import type { TlsFiles } from '../config/secrets.ts';
import { createEslSwitch } from '../freeswitch/esl-switch.ts';
import { createFreeswitchMapper } from '../freeswitch/freeswitch-mapper.ts';
import type { SourceFigures } from '../metrics/switch-metrics.ts';
import { mappingOptions, type MappingOptions } from '../mapping-options.ts';
import type { Producer, ProducerParts } from './producer.ts';

/** Listens to the switches of the source; one replica publishes each one's events. */
export function openSwitches(parts: ProducerParts): Producer {
  const { config, replica, eventLog, client, metrics, logger, now } = parts;
  const live = createLiveRules(config.rules);
  const mapping: MappingOptions = { ...mappingOptions(config.spec), accounts: live.rules };
  const specs = new Map<Endpoint, EndpointSpec>();
  const specsOf = (endpoints: readonly Endpoint[]): readonly EndpointSpec[] => {
    const wanted = endpoints.flatMap((endpoint) => {
      const spec = specs.get(endpoint) ?? specOf(endpoint, mapping, parts);
      return spec === null ? [] : [[endpoint, spec] as const];
    });
    specs.clear();
    for (const [endpoint, spec] of wanted) specs.set(endpoint, spec);
    return wanted.map(([, spec]) => spec);
  };
  const collector = openCollector({
    source: config.name,
    replica,
    endpoints: specsOf(config.endpoints),
    eventLog,
    client,
    keyPrefix: config.spec.redis.keyPrefix,
    logger,
    observer: metrics.switchesOf(config.name, sourceKind(config.spec)),
    now,
  });
  metrics.observeSwitches(config.name, () => figuresOf(collector));
  return {
    follow({ endpoints, rules }) {
      live.set(rules);
      collector.setEndpoints(specsOf(endpoints));
    },
    ended: collector.ended,
    [Symbol.asyncDispose]: () => collector[Symbol.asyncDispose](),
  };
}

/** The endpoints share one ring: what the others keep of it is no room for this one. */
function figuresOf(collector: Collector): SourceFigures {
  const { ringBytes, ringLimit, endpoints } = collector.figures();
  const all = endpoints.reduce((sum, { kept }) => sum + kept, 0);
  return {
    ringBytes,
    switches: endpoints.map((one) => ({ ...one, backlogLimit: Math.max(0, ringLimit - (all - one.kept)) })),
  };
}

function specOf(endpoint: Endpoint, mapping: MappingOptions, parts: ProducerParts): EndpointSpec | null {
  switch (endpoint.kind) {
    case 'freeswitch':
      return freeswitch(endpoint, mapping, parts);
    case 'asterisk':
      return asterisk(endpoint, mapping, parts);
    case 'kazoo':
      return null;
  }
}

function freeswitch(endpoint: FreeswitchEndpoint, mapping: MappingOptions, parts: ProducerParts): EndpointSpec {
  const { name, host, port } = endpoint;
  const { username, password } = endpoint.credentials;
  const credentials = { password, ...(username !== null && { user: username }) };
  const { config, now } = parts;
  const park = config.spec.freeswitch?.park ?? 'Valet';
  return {
    name,
    switch: createEslSwitch({ host, port, credentials, park, policy: config.addressPolicy, now }),
    createMapper: () => createFreeswitchMapper({ ...mapping, park }),
  };
}

/** Null: the switch connects. */
function asterisk(endpoint: AsteriskEndpoint, mapping: MappingOptions, parts: ProducerParts): EndpointSpec | null {
  const { name, address, credentials, tls } = endpoint;
  if (address === null) return null;
  const { config, replica, now } = parts;
  const connection = {
    ...address,
    ...credentials,
    tls: tls === null ? null : tlsOf(tls),
    policy: config.addressPolicy,
    now,
  };
  const isAmi = endpoint.interface === 'AMI';
  // One replica's application is no other's: Asterisk would take it from the first.
  const application = `firehose-${config.name.replaceAll('/', '.')}-${replica}`;
  return {
    name,
    switch: isAmi ? createAmiSwitch(connection) : createAriSwitch({ ...connection, application }),
    createMapper: ({ version }) =>
      createAsteriskMapper({ ...mapping, endpoint: name, interface: isAmi ? 'AMI' : 'ARI', version }),
  };
}

function tlsOf({ ca, cert, key, serverName }: TlsFiles) {
  return {
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
    ...(serverName !== null && { servername: serverName }),
  };
}
