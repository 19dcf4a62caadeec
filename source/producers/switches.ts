import { createAsteriskMapper } from '../asterisk/asterisk-mapper.ts';
import { createAmiSwitch } from '../asterisk/switches/ami-switch.ts';
import { startAriListener, type AriListener } from '../asterisk/switches/ari-listener.ts';
import { createAriSwitch } from '../asterisk/switches/ari-switch.ts';
import { openCollector, type Collector } from '../collector/collector.ts';
import { claimKeptMark } from '../collector/kept-mark.ts';
import { switchPseudonym } from '../../event-log/switch-pseudonym.ts';
import { sourceKeys } from '../../protocol/keys.ts';
import { sourceKind } from '../../protocol/source.ts';
import { followCertificate } from '../../runtime/certificates/mounted-certificate.ts';
import { ALL_ADDRESSES } from '../../runtime/http/listen.ts';
import type { EndpointSpec } from '../collector/hearing.ts';
import { createLiveRules } from '../config/live-rules.ts';
import type { AsteriskEndpoint, Endpoint, FreeswitchEndpoint } from '../config/endpoints.ts';
import type { TlsFiles } from '../config/secrets.ts';
import { createEslSwitch } from '../freeswitch/esl-switch.ts';
import { createFreeswitchMapper } from '../freeswitch/freeswitch-mapper.ts';
import type { SourceFigures } from '../metrics/switch-metrics.ts';
import { mappingOptions, type MappingOptions } from '../mapping-options.ts';
import type { Switch } from '../switch.ts';
import type { Producer, ProducerParts } from './producer.ts';

/** Listens to the switches of the source. One replica publishes each endpoint's events. */
export async function openSwitches(parts: ProducerParts): Promise<Producer> {
  const { config, replica, eventLog, client, metrics, logger, now } = parts;
  await using stack = new AsyncDisposableStack();
  const listener = await openListener(parts);
  if (listener !== null) stack.use(listener);
  const live = createLiveRules(config.rules);
  const mapping: MappingOptions = { ...mappingOptions(config.spec), accounts: live.rules };
  const specs = new Map<Endpoint, EndpointSpec>();
  const specsOf = (endpoints: readonly Endpoint[]): readonly EndpointSpec[] => {
    const wanted = endpoints.flatMap((endpoint) => {
      const spec = specs.get(endpoint) ?? specOf(endpoint, mapping, { ...parts, listener });
      return spec === null ? [] : [[endpoint, spec] as const];
    });
    specs.clear();
    for (const [endpoint, spec] of wanted) specs.set(endpoint, spec);
    listener?.retain(new Set(wanted.map(([{ name }]) => name)));
    return wanted.map(([, spec]) => spec);
  };
  const collector = stack.use(
    openCollector({
      source: config.name,
      replica,
      endpoints: specsOf(config.endpoints),
      eventLog,
      client,
      keyPrefix: config.spec.redis.keyPrefix,
      logger,
      observer: metrics.switchesOf(config.name, sourceKind(config.spec)),
      now,
    }),
  );
  metrics.observeSwitches(config.name, () => figuresOf(collector));
  const owned = stack.move();
  return {
    follow({ endpoints, rules }) {
      live.set(rules);
      collector.setEndpoints(specsOf(endpoints));
    },
    behind: () =>
      collector
        .figures()
        .endpoints.flatMap(({ endpoint, isLive, isInStep }) => (isLive && !isInStep ? [endpoint] : [])),
    ended: collector.ended,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The endpoints share one ring: memory that the others use is not available to this one. */
function figuresOf(collector: Collector): SourceFigures {
  const { ringBytes, ringLimit, endpoints } = collector.figures();
  const all = endpoints.reduce((sum, { kept }) => sum + kept, 0);
  return {
    ringBytes,
    switches: endpoints.map((one) => ({ ...one, backlogLimit: Math.max(0, ringLimit - (all - one.kept)) })),
  };
}

/** The listener for Asterisks that connect by themselves; null when there is none. */
async function openListener({ config, client, logger, now, signal }: ProducerParts): Promise<AriListener | null> {
  const listen = config.spec.asterisk?.listen;
  if (listen === undefined) return null;
  const keys = sourceKeys(config.spec.redis.keyPrefix, config.name);
  const folder = listen.tls.disabled ? null : config.tlsFolder;
  const certificate = folder === null ? null : await followCertificate({ folder, logger, signal });
  const listener = await startAriListener({
    host: ALL_ADDRESSES,
    port: listen.port,
    tls: certificate?.current ?? null,
    claim: (endpoint) => claimKeptMark(client, keys, endpoint),
    logger,
    now,
  });
  certificate?.onChange((renewed) => listener.setCertificate(renewed));
  logger.info({ port: listener.port, tls: certificate !== null }, 'switches may connect');
  return listener;
}

interface SwitchParts extends ProducerParts {
  readonly listener: AriListener | null;
}

function specOf(endpoint: Endpoint, mapping: MappingOptions, parts: SwitchParts): EndpointSpec | null {
  switch (endpoint.kind) {
    case 'freeswitch':
      return freeswitch(endpoint, mapping, parts);
    case 'asterisk':
      return asterisk(endpoint, mapping, parts);
    case 'broker':
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
    createMapper: () => createFreeswitchMapper({ ...mapping, park, switchId: switchIdOf(config.name, name) }),
  };
}

/** Null: the switch would connect, but the port opens only after a restart. */
function asterisk(endpoint: AsteriskEndpoint, mapping: MappingOptions, parts: SwitchParts): EndpointSpec | null {
  const { name } = endpoint;
  const switchId = switchIdOf(parts.config.name, name);
  const isAmi = endpoint.interface === 'AMI';
  const pbx = endpoint.address === null ? admitted(endpoint, parts) : reached(endpoint, endpoint.address, parts);
  if (pbx === null) return null;
  return {
    name,
    switch: pbx,
    createMapper: ({ version }) =>
      createAsteriskMapper({ ...mapping, switchId, endpoint: name, interface: isAmi ? 'AMI' : 'ARI', version }),
  };
}

/** An endpoint is one switch, whatever name the switch uses for itself. */
function switchIdOf(source: string, endpoint: string): () => string {
  const id = switchPseudonym(`${source}/${endpoint}`);
  return () => id;
}

function admitted({ name, credentials }: AsteriskEndpoint, { listener }: SwitchParts): Switch | null {
  return listener?.admit({ name, ...credentials }) ?? null;
}

function reached(
  endpoint: AsteriskEndpoint,
  address: NonNullable<AsteriskEndpoint['address']>,
  { config, replica, now }: SwitchParts,
): Switch {
  const { credentials, tls } = endpoint;
  const connection = {
    ...address,
    ...credentials,
    tls: tls === null ? null : tlsOf(tls),
    policy: config.addressPolicy,
    now,
  };
  if (endpoint.interface === 'AMI') return createAmiSwitch(connection);
  // Each replica has an application of its own: Asterisk would take a shared one away from the first replica.
  const application = `firehose-${config.name.replaceAll('/', '.')}-${replica}`;
  return createAriSwitch({ ...connection, application });
}

function tlsOf({ ca, cert, key, serverName }: TlsFiles) {
  return {
    ...(ca !== null && { ca }),
    ...(cert !== null && { cert }),
    ...(key !== null && { key }),
    ...(serverName !== null && { servername: serverName }),
  };
}
