/** The smallest resource of a platform team. */
export const MINIMAL_SPEC = {
  account: { id: '4a6f2c1e9b' },
  redis: { urlSecretRef: { name: 'firehose-redis' } },
  auth: { directory: { secretRef: { name: 'acme-directory' } } },
} as const;

/** A group of the resource's account, which exists from the moment the resource is applied. */
export const ownGroup = (name: string) => ({ name, account: MINIMAL_SPEC.account.id });

/** The same, with a group that the operator creates. */
export const GROUPED_SPEC = { ...MINIMAL_SPEC, consumerGroups: [ownGroup('default')] };

/** Every field, each with a value that differs from its default. */
export const FULL_SPEC = {
  suspend: false,
  account: { id: '4a6f2c1e9b', includeDescendants: false },
  filters: {
    events: ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY'],
    excludeEvents: ['CHANNEL_CREATE'],
    accounts: ['4a6f2c1e9b'],
    additionalEvents: ['QUEUE_ENTERED'],
  },
  redis: { urlSecretRef: { name: 'firehose-redis', key: 'redis-url' }, keyPrefix: 'calls:', database: 0 },
  stream: {
    partitions: 8,
    management: 'Managed',
    waitReplicas: 1,
    deletionPolicy: 'Delete',
    retention: { maxLength: 100_000, maxAge: '6h' },
  },
  consumerGroups: [
    { name: 'default', ackWait: '45s', maxDeliver: 9, maxPending: 50, deadLetter: { maxLength: 500 } },
    {
      name: 'billing',
      startPosition: 'Earliest',
      deletionPolicy: 'Retain',
      filters: { events: ['CHANNEL_DESTROY', 'DTMF'], excludeEvents: ['DTMF'], accounts: ['4a6f2c1e9b'] },
    },
    { name: 'recording', startPosition: 'ID', startID: '1700000000000-0' },
    {
      name: 'crm',
      account: '4a6f2c1e9b',
      webhook: {
        url: 'https://crm.example.com/hooks?tenant=acme',
        user: 'billing',
        secretRefs: [{ name: 'crm-webhook' }, { name: 'crm-webhook-old', key: 'previous' }],
        timeout: '10s',
        concurrency: 8,
        batch: { maxEvents: 20, maxWaitMilliseconds: 100 },
        format: 'Raw',
        disableAfter: '24h',
        allowPrivateAddresses: true,
        caSecretRef: { name: 'crm-authority' },
      },
    },
    {
      name: 'bus',
      account: '4a6f2c1e9b',
      nats: {
        servers: ['tls://nats-0.example.com:4222', 'tls://nats-1.example.com'],
        stream: 'CALLS',
        subject: 'calls.{account}.{event}.{call}',
        user: 'billing',
        credsSecretRef: { name: 'bus-creds' },
        caSecretRef: { name: 'bus-authority' },
        timeout: '3s',
        concurrency: 64,
        format: 'CloudEvents',
      },
    },
  ],
  gateway: {
    replicas: 3,
    autoscaling: { minReplicas: 3, maxReplicas: 9, cpuUtilization: 60, scaleDownStabilization: 900 },
    image: 'registry.example.com/firehose:1.2.3',
    imagePullSecrets: [{ name: 'registry' }],
    resources: { requests: { cpu: 1, memory: '512Mi' }, limits: { memory: '1Gi' } },
    podTemplate: {
      labels: { team: 'voice' },
      annotations: { 'example.com/note': 'calls' },
      nodeSelector: { 'kubernetes.io/os': 'linux' },
      priorityClassName: 'system-cluster-critical',
      affinity: {
        nodeAffinity: {
          preferredDuringSchedulingIgnoredDuringExecution: [
            { weight: 1, preference: { matchExpressions: [{ key: 'ssd', operator: 'Exists' }] } },
          ],
        },
      },
      tolerations: [{ key: 'voice', operator: 'Equal', value: 'yes', effect: 'NoExecute', tolerationSeconds: 60 }],
      topologySpreadConstraints: [
        { maxSkew: 2, topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'DoNotSchedule' },
      ],
    },
    connections: { maxPerReplica: 5_000, maxPerAccount: 100, slowConsumerPolicy: 'Latest', drainTimeout: '2m' },
    service: {
      type: 'LoadBalancer',
      port: 443,
      annotations: { 'example.com/lb': 'internal' },
      loadBalancerClass: 'example.com/internal',
    },
    tls: { issuerRef: { name: 'letsencrypt', kind: 'ClusterIssuer' }, dnsNames: ['calls.example.com'] },
    trustedProxies: ['10.0.0.0/8', 'fd00::/8'],
    proxyProtocol: true,
    allowedOrigins: ['https://wallboard.example.com'],
    ingress: { className: 'nginx', host: 'firehose.example.com', annotations: { 'example.com/timeout': '3600' } },
    disruptionBudget: { maxUnavailable: 2 },
    networkPolicy: { enabled: false },
  },
  auth: {
    directory: { secretRef: { name: 'acme-directory', key: 'accounts.yaml' } },
    token: {
      ttl: '30m',
      issuer: 'calls.example.com',
      audience: 'crm',
      signing: { algorithm: 'EdDSA', rotationInterval: '48h', overlap: '2h' },
    },
  },
  ingest: { tokenSecretRef: { name: 'acme-ingest' } },
  telemetry: {
    otlp: {
      endpoint: 'http://collector.monitoring.svc:4317',
      protocol: 'grpc',
      headersSecretName: 'acme-collector',
      samplePercent: 20,
    },
  },
  logLevel: 'debug',
} as const;

/** A Redis behind sentinels, with TLS and every login. */
export const SENTINEL_REDIS = {
  mode: 'Sentinel',
  urlSecretRef: { name: 'firehose-redis', key: 'redis-url' },
  sentinel: { masterName: 'calls', loginSecretName: 'sentinel-login' },
  database: 3,
  keyPrefix: 'calls:',
  tls: {
    enabled: true,
    caSecretRef: { name: 'redis-ca', key: 'authority.pem' },
    clientCertSecretName: 'redis-client',
    serverName: 'redis.example.com',
  },
} as const;

/** Servers of the platform that have accounts and judge logins. */
export const PLATFORM_AUTH = {
  directory: {
    http: {
      url: 'https://directory.example.com/firehose',
      tokenSecretRef: { name: 'directory-login' },
      caSecretRef: { name: 'directory-ca', key: 'authority.pem' },
    },
  },
  login: ['OIDC', 'Directory', 'Check', 'Kazoo'],
  kazoo: { url: 'https://kazoo.example.com:8443', caSecretRef: { name: 'kazoo-ca' } },
  oidc: { issuer: 'https://id.example.com', audience: 'firehose', caSecretRef: { name: 'oidc-ca' } },
} as const;

/** A whole resource. */
export function subscription(name: string, spec: object = MINIMAL_SPEC, namespace = 'default') {
  return { apiVersion: 'firehose.dev/v1alpha1', kind: 'FirehoseSubscription', metadata: { name, namespace }, spec };
}
