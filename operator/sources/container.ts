import type { SourceVariable } from '../../protocol/pod-variables.ts';
import { CONTAINER_SECURITY, quantities } from '../resources/pod.ts';
import { redisEnvironment, redisMounts, redisVolumes } from '../resources/redis-access.ts';
import { INNER_PORT } from '../resources/rendering.ts';
import { telemetryEnvironment } from '../resources/telemetry.ts';
import { PAIR } from '../subscription/certificates.ts';
import { namedSecrets } from './named-secrets.ts';
import { listenSecret, sourceNames, type SourceRendering } from './rendering.ts';

const CONFIG = '/etc/firehose/config';
const SECRETS = '/etc/firehose/secrets';
const DIRECTORY = '/etc/firehose/directory';
const TLS = '/etc/firehose/tls';

/**
 * The container of a source: its environment and its mounted files contain everything that it knows of the platform.
 */
export function sourceContainer(rendering: SourceRendering): Record<string, unknown> {
  const { spec } = rendering.source;
  const { listen } = spec.asterisk ?? {};
  const probe = (path: string) => ({ httpGet: { path, port: 'inner', scheme: 'HTTP' }, timeoutSeconds: 3 });
  return {
    name: 'source',
    image: spec.image ?? rendering.settings.image,
    args: ['source'],
    env: environment(rendering),
    ports: [
      { name: 'inner', containerPort: INNER_PORT, protocol: 'TCP' },
      ...(listen === undefined ? [] : [{ name: 'listen', containerPort: listen.port, protocol: 'TCP' }]),
    ],
    resources: quantities(spec.resources),
    startupProbe: { ...probe('/livez'), periodSeconds: 1, failureThreshold: 120 },
    livenessProbe: { ...probe('/livez'), periodSeconds: 10, failureThreshold: 3 },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 2, failureThreshold: 2 },
    securityContext: CONTAINER_SECURITY,
    // A source that ends writes the reason into its pod's status, from which the operator reads it.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: mounts(rendering),
  };
}

function environment({ source, settings }: SourceRendering): object[] {
  const { spec } = source;
  const value = (name: SourceVariable, text: string) => ({ name, value: text });
  return [
    value('FIREHOSE_SOURCE_FILE', `${CONFIG}/source.yaml`),
    ...(namedSecrets(spec).length === 0 ? [] : [value('FIREHOSE_SOURCE_SECRETS', SECRETS)]),
    ...(spec.accounts.directorySecretRef === undefined
      ? []
      : [value('FIREHOSE_SOURCE_DIRECTORY', `${DIRECTORY}/directory.yaml`)]),
    ...(listenSecret(source) === null ? [] : [value('FIREHOSE_TLS_FOLDER', TLS)]),
    value('FIREHOSE_INNER_HOST', '*'),
    value('FIREHOSE_ADDRESS_GUARD', settings.addressGuard),
    value('LOG_LEVEL', spec.logLevel),
    ...telemetryEnvironment('source', source),
    ...redisEnvironment(spec.redis),
  ];
}

function mounts({ source }: SourceRendering): object[] {
  const { spec } = source;
  const mount = (name: string, mountPath: string) => ({ name, mountPath, readOnly: true });
  return [
    mount('config', CONFIG),
    ...(namedSecrets(spec).length === 0 ? [] : [mount('secrets', SECRETS)]),
    ...(spec.accounts.directorySecretRef === undefined ? [] : [mount('directory', DIRECTORY)]),
    ...(listenSecret(source) === null ? [] : [mount('tls', TLS)]),
    ...redisMounts(spec.redis),
  ];
}

/** No subPath: files of a subPath never change. */
export function sourceVolumes({ source }: SourceRendering): object[] {
  const { spec, metadata } = source;
  const directory = spec.accounts.directorySecretRef;
  const tls = listenSecret(source);
  const named = secretSources(source);
  return [
    { name: 'config', configMap: { name: sourceNames(metadata.name).workload } },
    ...(named.length === 0 ? [] : [{ name: 'secrets', projected: { sources: named } }]),
    ...(directory === undefined
      ? []
      : [
          {
            name: 'directory',
            secret: { secretName: directory.name, items: [{ key: directory.key, path: 'directory.yaml' }] },
          },
        ]),
    ...(tls === null
      ? []
      : [
          {
            name: 'tls',
            secret: { secretName: tls, items: ['tls.crt', 'tls.key'].map((key) => ({ key, path: key })) },
          },
        ]),
    ...redisVolumes(spec.redis),
  ];
}

/** Each Secret once, as `<name>/<key>`, with only the keys that are read. */
function secretSources({ spec }: SourceRendering['source']): object[] {
  const needed = new Map<string, Set<string>>();
  const optional = new Map<string, Set<string>>();
  for (const { name, values, authorities, pair, optional: maybe } of namedSecrets(spec)) {
    for (const key of [...values, ...authorities, ...(pair ? PAIR : [])])
      (needed.get(name) ?? setOf(needed, name)).add(key);
    for (const key of maybe) (optional.get(name) ?? setOf(optional, name)).add(key);
  }
  const of = (map: ReadonlyMap<string, ReadonlySet<string>>, more: object) =>
    [...map].map(([name, keys]) => ({
      secret: { name, items: [...keys].map((key) => ({ key, path: `${name}/${key}` })), ...more },
    }));
  return [...of(needed, {}), ...of(optional, { optional: true })];
}

function setOf(map: Map<string, Set<string>>, name: string): Set<string> {
  const made = new Set<string>();
  map.set(name, made);
  return made;
}
