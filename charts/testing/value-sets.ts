/** Typical values of users: each set is linted, rendered by both Helms, judged, and sent to an API server. */
export interface ValueSet {
  readonly what: string;
  readonly values: object;
}

const ACCOUNT = { id: 'account_id_1', name: 'north', realm: 'north.sip.example.com' };
const URL_SECRET = { urlSecret: { name: 'calls-redis' } };
/** The simulator with an existing Redis. */
export const source = (more: object = {}, redis: object = {}) => ({
  source: { kind: 'simulator', redis: { ...URL_SECRET, ...redis }, simulator: { accounts: [ACCOUNT] }, ...more },
});
const EVERYWHERE = {
  podLabels: { team: 'voice' },
  podAnnotations: { 'example.com/note': 'calls' },
  nodeSelector: { 'kubernetes.io/os': 'linux' },
  tolerations: [{ key: 'voice', operator: 'Equal', value: 'yes', effect: 'NoSchedule' }],
  affinity: {
    nodeAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, preference: { matchExpressions: [{ key: 'ssd', operator: 'Exists' }] } },
      ],
    },
  },
  priorityClassName: 'system-cluster-critical',
};

const OPERATOR: readonly ValueSet[] = [
  { what: 'nothing said', values: {} },
  { what: 'one replica', values: { operator: { replicas: 1 } } },
  { what: 'no replica', values: { operator: { replicas: 0 } } },
  {
    what: 'five replicas, of which two may go',
    values: { operator: { replicas: 5, disruptionBudget: { maxUnavailable: 2 } } },
  },
  { what: 'no disruption budget', values: { operator: { disruptionBudget: { enabled: false } } } },
  {
    what: 'loud and quick',
    values: {
      operator: {
        logLevel: 'trace',
        resyncSeconds: 60,
        workers: 32,
        env: [{ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', value: 'http://collector:4318' }],
      },
    },
  },
  { what: 'a place of its own', values: { operator: EVERYWHERE } },
  {
    what: 'spread over zones by force',
    values: {
      operator: {
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'topology.kubernetes.io/zone',
            whenUnsatisfiable: 'DoNotSchedule',
            labelSelector: { matchLabels: { 'app.kubernetes.io/component': 'operator' } },
          },
        ],
      },
    },
  },
  {
    what: 'other resources',
    values: { operator: { resources: { requests: { cpu: '1', memory: '1Gi' }, limits: { memory: '2Gi' } } } },
  },
  { what: 'all namespaces', values: { watchNamespaces: ['*'] } },
  { what: 'three namespaces', values: { watchNamespaces: ['voice', 'billing', 'firehose-system'] } },
  { what: 'no CRD', values: { crds: { enabled: false } } },
  { what: 'a CRD that goes with the release', values: { crds: { keep: false } } },
  {
    what: 'a CRD that goes, in all namespaces',
    values: { crds: { keep: false }, watchNamespaces: ['*'], uninstall: { subscriptions: 'Delete' } },
  },
  { what: 'no roles', values: { rbac: { create: false, aggregate: false } } },
  { what: 'an existing service account', values: { serviceAccount: { create: false, name: 'existing' } } },
  {
    what: 'an annotated service account',
    values: { serviceAccount: { name: 'voice', annotations: { 'example.com/role': 'voice' } } },
  },
  {
    what: 'an image by digest, from a private registry',
    values: {
      image: {
        repository: 'registry.example.com:5000/voice/firehose',
        digest: `sha256:${'a'.repeat(64)}`,
        pullPolicy: 'Always',
      },
      imagePullSecrets: [{ name: 'registry' }],
    },
  },
  {
    what: 'another image for gateways, seen by Prometheus',
    values: {
      gateway: { image: 'registry.example.com/gateway:2', innerFromNamespaces: ['monitoring'], serviceMonitors: true },
      serviceMonitor: { labels: { release: 'prometheus', 'example.com/team': 'voice' } },
    },
  },
  {
    what: 'a ServiceMonitor',
    values: {
      serviceMonitor: { enabled: true, interval: '10s', labels: { release: 'prometheus' } },
      networkPolicy: { fromNamespaces: ['monitoring', 'observability'] },
    },
  },
  {
    what: 'alerts and dashboards',
    values: {
      prometheusRule: {
        enabled: true,
        labels: { release: 'prometheus' },
        runbookUrl: 'https://wiki.example.com/firehose',
      },
      dashboards: { enabled: true, labels: { grafana_dashboard: 'yes' } },
    },
  },
  {
    what: 'resources that may ask for more',
    values: {
      allow: {
        images: ['registry.example.com/voice/'],
        annotationPrefixes: ['nginx.ingress.kubernetes.io/proxy-'],
        labelPrefixes: ['team'],
        hostSuffixes: ['example.com'],
        issuers: ['ClusterIssuer/letsencrypt'],
        serviceTypes: [],
        loadBalancerClasses: ['service.k8s.aws/nlb'],
        priorityClasses: ['voice'],
        privateWebhookHosts: ['crm.svc.cluster.local'],
        secretOwners: [],
      },
    },
  },
  { what: 'parts with nothing below them', values: { operator: null, gateway: null, allow: null, commonLabels: null } },
  { what: 'no network policy', values: { networkPolicy: { enabled: false } } },
  { what: 'uninstalling deletes', values: { uninstall: { subscriptions: 'Delete', timeoutSeconds: 60 } } },
  { what: 'uninstalling ignores', values: { uninstall: { subscriptions: 'Ignore' } } },
  {
    what: 'labels everywhere, ours among them',
    values: { commonLabels: { team: 'voice', 'app.kubernetes.io/name': 'other' } },
  },
  {
    what: 'a long name',
    values: { fullnameOverride: 'a-very-long-name-that-a-team-has-thought-out-for-this-release' },
  },
  {
    what: 'as part of another chart',
    values: { global: { imageRegistry: 'registry.example.com' }, nameOverride: 'streams' },
  },
];

/** With a random password each rendering would differ. */
const DEMO = { enabled: true, redis: { password: 'usual' } };

const SOURCES: readonly ValueSet[] = [
  { what: 'the demo', values: { demo: DEMO } },
  { what: 'the demo without network policies', values: { demo: DEMO, networkPolicy: { enabled: false } } },
  {
    what: 'the demo from a mirror, in a place of its own',
    values: {
      demo: {
        enabled: true,
        redis: {
          image: { repository: 'registry.example.com/valkey', tag: '8.1' },
          password: 'other',
          maxMemory: '64mb',
          ...EVERYWHERE,
        },
      },
      source: EVERYWHERE,
      imagePullSecrets: [{ name: 'registry' }],
    },
  },
  {
    what: "the demo's simulator for accounts of one's own",
    values: { demo: DEMO, source: { kind: 'simulator', simulator: { accounts: [ACCOUNT], callsPerSecond: 0.5 } } },
  },
  { what: 'the simulator', values: source() },
  { what: 'three simulators that talk much', values: source({ replicas: 3, logLevel: 'debug' }) },
  {
    what: 'the simulator behind sentinels',
    values: source({}, { mode: 'Sentinel', masterName: 'calls', database: 3 }),
  },
  {
    what: 'the simulator on a cluster with TLS',
    values: source(
      { stream: { partitions: 16, waitReplicas: 1, retention: { maxLength: 1_000, maxAge: '10m' } } },
      {
        mode: 'Cluster',
        keyPrefix: 'calls:',
        tls: {
          enabled: true,
          serverName: 'redis.example.com',
          caSecret: { name: 'redis-ca', key: 'ca.pem' },
          clientCertSecretName: 'redis-client',
        },
      },
    ),
  },
];

const SQL = {
  enabled: true,
  urlSecret: { name: 'directory-database' },
  queries: { accounts: 'SELECT id, name, realm FROM account' },
};
const KAZOO = { enabled: true, url: 'https://kazoo.example.com:8443', apiKeySecret: { name: 'kazoo' } };
/** Directory servers with a token. */
const directory = (more: object = {}) => ({ directory: { tokenSecret: { name: 'directory-token' }, ...more } });

const DIRECTORIES: readonly ValueSet[] = [
  { what: 'a directory from a database', values: directory({ sql: SQL }) },
  { what: 'a directory from Kazoo', values: directory({ kazoo: KAZOO }) },
  {
    what: 'both directories, with TLS, in a place of their own',
    values: directory({
      tlsSecretName: 'directory-tls',
      push: ['http://calls-inner.voice:9090/ws/v1/firehose/directory/refresh'],
      fromNamespaces: ['voice', 'billing'],
      sql: {
        ...SQL,
        replicas: 1,
        caSecret: { name: 'database-ca', key: 'ca.pem' },
        queries: { ...SQL.queries, users: "SELECT username, account, password_hash FROM login WHERE kind = 'x'" },
        ...EVERYWHERE,
      },
      kazoo: {
        ...KAZOO,
        account: '91eb05e5c68d7ca05e7618b6821d2d16',
        caSecret: { name: 'kazoo-ca' },
        amqp: {
          urlSecret: { name: 'amqp' },
          caSecret: { name: 'amqp-ca' },
          clientCertSecretName: 'amqp-client',
          exchange: 'changes',
        },
        disruptionBudget: { enabled: false },
        ...EVERYWHERE,
      },
    }),
  },
  {
    what: 'a directory without network policies',
    values: { ...directory({ kazoo: KAZOO }), networkPolicy: { enabled: false } },
  },
];

export const VALUE_SETS: readonly ValueSet[] = [...OPERATOR, ...SOURCES, ...DIRECTORIES];

/** Values that are refused before anything is installed, and the message. */
export const REFUSED: readonly (ValueSet & { readonly says: RegExp })[] = [
  { what: 'a value that there is not', values: { operator: { replica: 3 } }, says: /replica/ },
  { what: 'one at the top', values: { replicaCount: 3 }, says: /replicaCount/ },
  { what: 'words for a number', values: { operator: { replicas: 'two' } }, says: /replicas/ },
  { what: 'too many replicas', values: { operator: { replicas: 100 } }, says: /replicas/ },
  { what: 'a digest that is none', values: { image: { digest: 'sha256:abc' } }, says: /digest/ },
  { what: 'an unknown source', values: { source: { kind: 'kazoo' } }, says: /kind/ },
  {
    what: 'a source without a Redis',
    values: { source: { kind: 'simulator', simulator: { accounts: [ACCOUNT] } } },
    says: /source\.redis\.urlSecret\.name/,
  },
  {
    what: 'a source without accounts',
    values: { source: { kind: 'simulator', redis: URL_SECRET } },
    says: /source\.simulator\.accounts/,
  },
  { what: 'sentinels without a master', values: source({}, { mode: 'Sentinel' }), says: /masterName/ },
  { what: 'a namespace twice', values: { watchNamespaces: ['voice', 'voice'] }, says: /watchNamespaces/ },
  {
    what: 'a namespace that there cannot be',
    values: { watchNamespaces: ['Voice, billing'] },
    says: /watchNamespaces/,
  },
  {
    what: 'all namespaces, where they are named one by one',
    values: { gateway: { innerFromNamespaces: ['*'] } },
    says: /innerFromNamespaces/,
  },
  { what: 'a label that is none', values: { commonLabels: { team: 'voice, billing' } }, says: /team/ },
  { what: 'a name that is none', values: { fullnameOverride: 'My Firehose' }, says: /fullnameOverride/ },
  { what: 'a tag in the repository', values: { image: { repository: 'example.com/firehose:1' } }, says: /repository/ },
  { what: 'an item of a list that is null', values: { operator: { tolerations: [null] } }, says: /tolerations/ },
  {
    what: 'a key prefix with braces',
    values: source({}, { keyPrefix: '{calls}:' }),
    says: /keyPrefix/,
  },
  { what: 'an age that is none', values: source({ stream: { retention: { maxAge: 'long' } } }), says: /maxAge/ },
  {
    what: 'the demo where nobody looks after it',
    values: { demo: { enabled: true }, watchNamespaces: ['voice'] },
    says: /watchNamespaces leaves out/,
  },
  {
    what: "the demo's Redis for keys that its users may not have",
    values: { demo: { enabled: true }, source: { redis: { keyPrefix: 'calls:' } } },
    says: /the demo's Redis/,
  },
  {
    what: 'a directory without a token',
    values: { directory: { sql: SQL } },
    says: /directory\.tokenSecret\.name/,
  },
  {
    what: 'a directory without a database',
    values: directory({ sql: { ...SQL, urlSecret: { name: '' } } }),
    says: /directory\.sql\.urlSecret\.name/,
  },
  {
    what: 'a directory without a query',
    values: directory({ sql: { ...SQL, queries: {} } }),
    says: /directory\.sql\.queries\.accounts/,
  },
  {
    what: 'a Kazoo without an address',
    values: directory({ kazoo: { ...KAZOO, url: '' } }),
    says: /directory\.kazoo\.url/,
  },
  {
    what: 'a Kazoo without a key',
    values: directory({ kazoo: { ...KAZOO, apiKeySecret: {} } }),
    says: /directory\.kazoo\.apiKeySecret\.name/,
  },
  {
    what: 'a password in an address',
    values: directory({ kazoo: { ...KAZOO, url: 'https://user:password@kazoo' } }),
    says: /url/,
  },
  { what: 'all namespaces and one', values: { watchNamespaces: ['*', 'voice'] }, says: /stands alone/ },
  {
    what: 'a CRD that would never go',
    values: { crds: { keep: false }, uninstall: { subscriptions: 'Ignore' } },
    says: /for ever/,
  },
];
