const redis = { urlSecretRef: { name: 'firehose-redis' } } as const;

/** The smallest resource of each kind. */
export const KAZOO_SPEC = { redis, kazoo: { brokers: [{ urlSecretRef: { name: 'amqp' } }] } } as const;
export const FREESWITCH_SPEC = {
  redis,
  freeswitch: {
    endpoints: [
      { name: 'fs1', host: 'fs1.voip.svc', credentialsSecretRef: { name: 'esl' } },
      { name: 'fs2', host: 'fs2.voip.svc', credentialsSecretRef: { name: 'esl' } },
    ],
  },
} as const;
export const ASTERISK_SPEC = {
  redis,
  asterisk: { endpoints: [{ name: 'pbx1', host: '10.0.0.7', credentialsSecretRef: { name: 'ami' } }] },
} as const;
export const SIMULATOR_SPEC = {
  redis,
  simulator: { accounts: [{ id: 'account_id_1', name: 'north', realm: 'north.sip.example.com' }] },
} as const;

const COMMON = {
  suspend: true,
  replicas: 3,
  redis: { urlSecretRef: { name: 'firehose-redis', key: 'redis-url' }, keyPrefix: 'calls:', database: 0 },
  stream: { partitions: 8, waitReplicas: 1, retention: { maxLength: 1_000, maxAge: '30m' } },
  accounts: {
    variable: 'tenant',
    rules: [
      { match: { domain: 'acme.example.com' }, account: 'acme' },
      { match: { context: 'tenant-b-*', did: '+49*' }, account: 'tenant_b' },
    ],
    fromDirectory: true,
    directorySecretRef: { name: 'directory', key: 'accounts.yaml' },
    holdCreate: '1s',
  },
  channelVariables: ['crm_*', 'queue'],
  privacy: { keep: ['Caller-ID-Number'], remove: ['Other-Leg-*'] },
  lostCalls: 'None',
  image: 'registry.example.com/firehose:1.2.3',
  imagePullSecrets: [{ name: 'registry' }],
  resources: { requests: { cpu: 1, memory: '512Mi' }, limits: { memory: '1Gi' } },
  podTemplate: {
    labels: { team: 'voice' },
    annotations: { 'example.com/note': 'calls' },
    nodeSelector: { 'kubernetes.io/os': 'linux' },
    priorityClassName: 'system-cluster-critical',
    tolerations: [{ key: 'voice', operator: 'Exists' }],
    topologySpreadConstraints: [{ topologyKey: 'topology.kubernetes.io/zone' }],
  },
  disruptionBudget: { maxUnavailable: 2 },
  networkPolicy: { enabled: false },
  telemetry: { otlp: { endpoint: 'http://collector.monitoring.svc:4318', headersSecretName: 'collector' } },
  logLevel: 'debug',
} as const;

/** Every field of a source of Kazoo, each with a value that differs from its default. */
export const FULL_KAZOO_SPEC = {
  ...COMMON,
  kazoo: {
    brokers: [
      {
        name: 'zone-1',
        urlSecretRef: { name: 'amqp', key: 'zone-1' },
        tls: {
          caSecretRef: { name: 'amqp-ca', key: 'authority.pem' },
          clientCertSecretName: 'amqp-client',
          serverName: 'rabbit.example.com',
        },
      },
      { name: 'zone-2', urlSecretRef: { name: 'amqp', key: 'zone-2' } },
    ],
    exchange: 'callevt2',
    declareExchange: true,
    queue: { type: 'Classic', maxLength: 1_000, messageTTL: '10m', expires: '1h' },
    prefetch: 100,
    additionalEvents: ['QUEUE_ENTERED'],
  },
} as const;

/** Every field of mod_amqp, each with a value that differs from its default. */
export const FULL_MOD_AMQP_SPEC = {
  ...COMMON,
  freeswitch: {
    amqp: {
      brokers: FULL_KAZOO_SPEC.kazoo.brokers,
      exchange: 'calls',
      queue: FULL_KAZOO_SPEC.kazoo.queue,
      prefetch: 100,
    },
    park: 'None',
  },
} as const;

const FULL_FREESWITCH_SPEC = {
  ...COMMON,
  freeswitch: {
    endpoints: [{ name: 'fs1', host: 'fd00::7', port: 8_022, credentialsSecretRef: { name: 'esl' } }],
    park: 'Application',
  },
} as const;

/** Every interface of Asterisk. */
export const FULL_ASTERISK_SPEC = {
  ...COMMON,
  asterisk: {
    endpoints: [
      {
        name: 'pbx1',
        interface: 'AMI',
        host: 'pbx1.voip.svc',
        port: 5_040,
        credentialsSecretRef: { name: 'ami' },
        tls: {
          enabled: true,
          caSecretRef: { name: 'pbx-ca', key: 'authority.pem' },
          clientCertSecretName: 'pbx-client',
          serverName: 'pbx.example.com',
        },
      },
      { name: 'pbx2', interface: 'ARI', host: 'pbx2.voip.svc', credentialsSecretRef: { name: 'ari' } },
      { name: 'pbx3', interface: 'ARIOutbound', credentialsSecretRef: { name: 'ari' } },
    ],
    listen: {
      port: 8_443,
      service: { type: 'LoadBalancer', port: 443, annotations: { 'example.com/lb': 'internal' } },
      tls: { secretName: 'pbx-tls' },
    },
  },
} as const;

const FULL_SIMULATOR_SPEC = {
  ...COMMON,
  simulator: {
    seed: 'other',
    callsPerSecond: 0.5,
    accounts: [{ id: 'a1', name: 'north', realm: 'north.sip.example.com' }],
  },
} as const;

export const SOURCE_SPECS: Readonly<Record<string, object>> = {
  Kazoo: KAZOO_SPEC,
  FreeSWITCH: FREESWITCH_SPEC,
  Asterisk: ASTERISK_SPEC,
  'the simulator': SIMULATOR_SPEC,
  'Kazoo, with every field': FULL_KAZOO_SPEC,
  'FreeSWITCH, with every field': FULL_FREESWITCH_SPEC,
  'FreeSWITCH by mod_amqp, with every field': FULL_MOD_AMQP_SPEC,
  'Asterisk, with every field': FULL_ASTERISK_SPEC,
  'the simulator, with every field': FULL_SIMULATOR_SPEC,
};

/** A whole resource. */
export function source(name: string, spec: object = SIMULATOR_SPEC, namespace = 'default') {
  return { apiVersion: 'firehose.dev/v1alpha1', kind: 'FirehoseSource', metadata: { name, namespace }, spec };
}
