import { VOICE } from './platform.ts';

/** The smallest resource of docs/kubernetes.md, with other names. */
export const MINIMAL = {
  apiVersion: 'firehose.dev/v1alpha1',
  kind: 'FirehoseSubscription',
  metadata: { name: 'minimal', namespace: VOICE },
  spec: {
    account: { id: 'root' },
    redis: { urlSecretRef: { name: 'firehose-redis' } },
    auth: { directory: { secretRef: { name: 'acme-directory' } } },
  },
};

/** As many fields as can be used without a load balancer, ingress controller, cert-manager or source of metrics. */
export const FULL = {
  ...MINIMAL,
  metadata: { name: 'full', namespace: VOICE },
  spec: {
    ...MINIMAL.spec,
    account: { id: 'north', includeDescendants: true },
    filters: { events: ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY'], accounts: ['north', 'north-1'] },
    redis: { ...MINIMAL.spec.redis, keyPrefix: 'calls:' },
    stream: { partitions: 2, deletionPolicy: 'Delete', retention: { maxLength: 10_000, maxAge: '1h' } },
    consumerGroups: [
      { name: 'default' },
      { name: 'billing', startPosition: 'Earliest', ackWait: '45s', maxDeliver: 3 },
    ],
    gateway: {
      autoscaling: { minReplicas: 1, maxReplicas: 3, cpuUtilization: 60 },
      resources: { requests: { cpu: '50m', memory: '128Mi' }, limits: { memory: '512Mi' } },
      podTemplate: {
        labels: { team: 'voice' },
        annotations: { 'example.com/note': 'calls' },
        nodeSelector: { 'kubernetes.io/os': 'linux' },
        tolerations: [{ key: 'voice', operator: 'Exists' }],
      },
      connections: { maxPerReplica: 100, maxPerAccount: 10, slowConsumerPolicy: 'Latest', drainTimeout: '1s' },
      service: { type: 'NodePort', port: 8443, annotations: { 'example.com/note': 'calls' } },
      tls: { dnsNames: ['calls.example.com'] },
      trustedProxies: ['10.0.0.0/8'],
      allowedOrigins: ['https://wallboard.example.com'],
      ingress: { className: 'none', host: 'calls.example.com' },
      disruptionBudget: { maxUnavailable: 2 },
    },
    auth: {
      ...MINIMAL.spec.auth,
      token: { ttl: '30m', signing: { algorithm: 'EdDSA', rotationInterval: '48h', overlap: '2h' } },
    },
    ingest: { tokenSecretRef: { name: 'acme-ingest' } },
    logLevel: 'debug',
  },
};
