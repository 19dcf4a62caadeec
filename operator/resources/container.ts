import type { GatewayVariable } from '../../protocol/pod-variables.ts';
import { PSEUDONYM_KEYS_FILE } from '../../protocol/pseudonym-keys.ts';
import { durationMs } from '../../protocol/subscription.ts';
import { NATS_FOLDER, natsFiles } from '../../protocol/nats-files.ts';
import { WEBHOOKS_FOLDER, webhookFiles } from '../../protocol/webhook-files.ts';
import { CONTAINER_SECURITY, quantities } from './pod.ts';
import { redisEnvironment, redisMounts, redisVolumes } from './redis-access.ts';
import { telemetryEnvironment } from './telemetry.ts';
import { INNER_PORT, namesOf, PUBLIC_PORT, signingSecretName, tlsSecretName, type Rendering } from './rendering.ts';

const CONFIG = '/etc/firehose/config';
const KEYS = '/etc/firehose/keys';
const TLS = '/etc/firehose/tls';
const INGEST = '/etc/firehose/ingest';
const ADMIN = '/etc/firehose/admin';
const PLATFORM = '/etc/firehose/platform';
const STATE = '/var/lib/firehose';

/** Endpoints and load balancers learn late that a pod ends: it continues to serve for this long. */
const PRE_STOP_S = 5;

/** Added to the drain window: preStop, closing frames, and a reserve. */
export const GRACE_S = 15;

/** Seconds over which a gateway closes its connections. */
export function drainSeconds(spec: Rendering['subscription']['spec']): number {
  return Math.ceil(durationMs(spec.gateway.connections.drainTimeout) / 1_000);
}

/** The gateway's container: its environment and its mounted files contain everything that it knows of the platform. */
export function container(rendering: Rendering): Record<string, unknown> {
  const { spec } = rendering.subscription;
  const probe = (path: string) => ({ httpGet: { path, port: 'inner', scheme: 'HTTP' }, timeoutSeconds: 3 });
  return {
    name: 'gateway',
    image: spec.gateway.image ?? rendering.settings.image,
    args: ['gateway'],
    env: environment(rendering),
    ports: [
      { name: 'public', containerPort: PUBLIC_PORT, protocol: 'TCP' },
      { name: 'inner', containerPort: INNER_PORT, protocol: 'TCP' },
    ],
    resources: quantities(spec.gateway.resources),
    startupProbe: {
      ...probe('/livez'),
      periodSeconds: 1,
      failureThreshold: 120,
      // It has no clients yet.
      terminationGracePeriodSeconds: GRACE_S,
    },
    livenessProbe: {
      ...probe('/livez'),
      periodSeconds: 10,
      failureThreshold: 3,
      // It does not wait for a roll-out, and a gateway that hangs would not drain.
      terminationGracePeriodSeconds: drainSeconds(spec) + GRACE_S,
    },
    readinessProbe: { ...probe('/readyz'), periodSeconds: 2, failureThreshold: 2 },
    lifecycle: { preStop: { sleep: { seconds: PRE_STOP_S } } },
    securityContext: CONTAINER_SECURITY,
    // A gateway that ends writes the reason into its pod's status, from which the operator reads it.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    volumeMounts: mounts(rendering),
  };
}

function environment({ subscription, settings }: Rendering): object[] {
  const { redis, gateway, ingest, logLevel } = subscription.spec;
  const value = (name: GatewayVariable, text: string) => ({ name, value: text });
  return [
    value('FIREHOSE_CONFIG', CONFIG),
    value('FIREHOSE_STATE', STATE),
    value('FIREHOSE_SIGNING_KEYS_FILE', `${KEYS}/signing-keys.json`),
    ...(gateway.tls.disabled ? [] : [value('FIREHOSE_TLS_FOLDER', TLS)]),
    value('FIREHOSE_INGEST_TOKEN_FILE', ingest.tokenSecretRef === undefined ? 'none' : `${INGEST}/token`),
    value('FIREHOSE_ADMIN_TOKEN_FILE', `${ADMIN}/token`),
    ...platformFiles(subscription.spec),
    value('FIREHOSE_INNER_HOST', '*'),
    // Pods of one roll-out leave together.
    {
      name: 'FIREHOSE_REVISION' satisfies GatewayVariable,
      valueFrom: { fieldRef: { fieldPath: "metadata.labels['pod-template-hash']" } },
    },
    value('FIREHOSE_ADDRESS_GUARD', settings.addressGuard),
    value('LOG_LEVEL', logLevel),
    ...telemetryEnvironment('gateway', subscription),
    ...redisEnvironment(redis),
  ];
}

type Spec = Rendering['subscription']['spec'];

/** Files from Secrets of the platform: the variable, the Secret, and the file in the folder PLATFORM. */
function platformRefs({ auth: { directory, kazoo, oidc }, privacy }: Pick<Spec, 'auth' | 'privacy'>) {
  const refs: readonly [GatewayVariable, { name: string; key: string } | undefined, string][] = [
    ['FIREHOSE_DIRECTORY_TOKEN_FILE', directory?.http?.tokenSecretRef, 'directory-token'],
    ['FIREHOSE_DIRECTORY_CA_FILE', directory?.http?.caSecretRef, 'directory-ca.crt'],
    ['FIREHOSE_KAZOO_CA_FILE', kazoo?.caSecretRef, 'kazoo-ca.crt'],
    ['FIREHOSE_OIDC_CA_FILE', oidc?.caSecretRef, 'oidc-ca.crt'],
    ['FIREHOSE_PSEUDONYM_KEYS_FILE', privacy.pseudonymKeySecretRef, PSEUDONYM_KEYS_FILE],
  ];
  return refs.flatMap(([name, ref, path]) => (ref === undefined ? [] : [{ name, ref, path }]));
}

function platformFiles(spec: Spec): object[] {
  return platformRefs(spec).map(({ name, path }) => ({ name, value: `${PLATFORM}/${path}` }));
}

/** Empty where nothing is needed. */
function platformSources(spec: Spec): object[] {
  return platformRefs(spec).map(({ ref, path }) => ({ secret: { name: ref.name, items: [{ key: ref.key, path }] } }));
}

function mounts({ subscription }: Rendering): object[] {
  const { gateway, ingest, redis } = subscription.spec;
  const mount = (name: string, mountPath: string) => ({ name, mountPath, readOnly: true });
  return [
    mount('config', CONFIG),
    mount('keys', KEYS),
    mount('admin', ADMIN),
    ...(gateway.tls.disabled ? [] : [mount('tls', TLS)]),
    ...(ingest.tokenSecretRef === undefined ? [] : [mount('ingest', INGEST)]),
    ...(platformSources(subscription.spec).length === 0 ? [] : [mount('platform', PLATFORM)]),
    ...redisMounts(redis),
    { name: 'state', mountPath: STATE },
  ];
}

/** Secrets of webhooks, under the names that gateways expect. */
function webhookSources(groups: Rendering['subscription']['spec']['consumerGroups']): object[] {
  return groups.flatMap(({ name, webhook }) => {
    const { secrets, ca } = webhookFiles(name);
    const refs = [
      ...(webhook?.secretRefs ?? []).map((ref, at) => ({ ref, file: secrets[at] })),
      { ref: webhook?.caSecretRef, file: ca },
    ];
    return refs.flatMap(({ ref, file }) =>
      ref === undefined || file === undefined
        ? []
        : [{ secret: { name: ref.name, items: [{ key: ref.key, path: `${WEBHOOKS_FOLDER}/${file}` }] } }],
    );
  });
}

/** Credentials of NATS sinks, under the names that gateways expect. */
function natsSources(groups: Rendering['subscription']['spec']['consumerGroups']): object[] {
  return groups.flatMap(({ name, nats }) => {
    const { creds, token, username, password, ca } = natsFiles(name);
    const login = nats?.loginSecretName;
    const refs = [
      { ref: nats?.credsSecretRef, file: creds },
      { ref: nats?.tokenSecretRef, file: token },
      { ref: login === undefined ? undefined : { name: login, key: 'username' }, file: username },
      { ref: login === undefined ? undefined : { name: login, key: 'password' }, file: password },
      { ref: nats?.caSecretRef, file: ca },
    ];
    return refs.flatMap(({ ref, file }) =>
      ref === undefined
        ? []
        : [{ secret: { name: ref.name, items: [{ key: ref.key, path: `${NATS_FOLDER}/${file}` }] } }],
    );
  });
}

/**
 * Subscription and directory are in one folder, as beside a standalone gateway. No subPath: files of a subPath never
 * change.
 */
export function volumes({ subscription }: Rendering): object[] {
  const { auth, ingest, redis, consumerGroups } = subscription.spec;
  const names = namesOf(subscription.metadata.name);
  const tls = tlsSecretName(subscription);
  const file = (key: string, path: string) => ({ items: [{ key, path }] });
  const directory = auth.directory?.secretRef;
  const token = ingest.tokenSecretRef;
  const platform = platformSources(subscription.spec);
  return [
    {
      name: 'config',
      projected: {
        sources: [
          { configMap: { name: names.config, ...file('subscription.yaml', 'subscription.yaml') } },
          ...(directory === undefined
            ? []
            : [{ secret: { name: directory.name, ...file(directory.key, 'directory.yaml') } }]),
          ...webhookSources(consumerGroups),
          ...natsSources(consumerGroups),
        ],
      },
    },
    { name: 'keys', secret: { secretName: signingSecretName(subscription) } },
    { name: 'admin', secret: { secretName: names.adminToken, ...file('token', 'token') } },
    ...(tls === null
      ? []
      : [
          {
            name: 'tls',
            secret: { secretName: tls, items: ['tls.crt', 'tls.key'].map((key) => ({ key, path: key })) },
          },
        ]),
    ...(token === undefined
      ? []
      : [{ name: 'ingest', secret: { secretName: token.name, ...file(token.key, 'token') } }]),
    ...(platform.length === 0 ? [] : [{ name: 'platform', projected: { sources: platform } }]),
    ...redisVolumes(redis),
    { name: 'state', emptyDir: { sizeLimit: '16Mi' } },
  ];
}
