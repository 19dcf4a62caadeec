type Texts = Readonly<Record<string, string>>;

/** The texts with their places below `path`. */
export function below(path: string, texts: Texts): Texts {
  return Object.fromEntries(Object.entries(texts).map(([field, text]) => [`${path}.${field}`, text]));
}

/** Texts of `redis`, in every resource. */
export const REDIS_TEXTS: Texts = {
  redis: 'Where the event log is.',
  'redis.urlSecretRef': 'Secret with the URL, as redis://user:password@host:6379 or rediss://.',
  'redis.urlSecretRef.name': 'Name of the Secret, in this namespace.',
  'redis.urlSecretRef.key': 'Key in the Secret.',
  'redis.mode': 'Standalone, Sentinel or Cluster. Cannot be changed.',
  'redis.sentinel': 'With mode Sentinel: the URL names the sentinels, with commas between them.',
  'redis.sentinel.masterName': 'Name by which the sentinels know the master.',
  'redis.sentinel.loginSecretName':
    'Secret with `password`, and `username` where there is one, of the sentinels themselves.',
  'redis.database': 'Number of the database; 0 in a cluster.',
  'redis.tls': 'TLS to Redis; a URL that begins with rediss:// enables it, too.',
  'redis.tls.enabled': 'Speaks TLS.',
  'redis.tls.caSecretRef':
    "Secret with the authorities that the servers' certificates may be of; the system's when not given.",
  'redis.tls.caSecretRef.name': 'Name of the Secret, in this namespace.',
  'redis.tls.caSecretRef.key': 'Key in the Secret.',
  'redis.tls.clientCertSecretName': 'Secret of type kubernetes.io/tls with the certificate that the pods show.',
  'redis.tls.serverName': "Name that every server's certificate must be for, where that is not the host's.",
  'redis.keyPrefix': 'Begins every key in Redis. Cannot be changed.',
};

/** Texts of fields about pods. */
export const POD_TEXTS: Texts = {
  imagePullSecrets: 'Secrets with which the image is pulled.',
  'imagePullSecrets.name': 'Name of the Secret, in this namespace.',
  resources: 'What a pod requests and may use.',
  'resources.requests': 'What is set aside, as cpu: 500m.',
  'resources.limits': 'What it may use at most.',
  podTemplate: 'Where and how the pods run.',
  'podTemplate.labels': 'Further labels of the pods.',
  'podTemplate.annotations': 'Further annotations of the pods.',
  'podTemplate.nodeSelector': 'Labels that a node must have.',
  'podTemplate.priorityClassName': 'PriorityClass of the pods.',
  'podTemplate.affinity': 'As in a pod.',
  'podTemplate.tolerations': 'As in a pod.',
  'podTemplate.tolerations.key': 'As in a pod.',
  'podTemplate.tolerations.operator': 'As in a pod.',
  'podTemplate.tolerations.value': 'As in a pod.',
  'podTemplate.tolerations.effect': 'As in a pod.',
  'podTemplate.tolerations.tolerationSeconds': 'As in a pod.',
  'podTemplate.topologySpreadConstraints': 'How the pods are spread. None: over nodes and zones, as well as can be.',
  'podTemplate.topologySpreadConstraints.maxSkew': 'As in a pod.',
  'podTemplate.topologySpreadConstraints.topologyKey': 'As in a pod.',
  'podTemplate.topologySpreadConstraints.whenUnsatisfiable': 'As in a pod.',
};

/** Texts of `telemetry`. */
export const TELEMETRY_TEXTS: Texts = {
  'telemetry.otlp': 'Sends them by the OpenTelemetry protocol. A change replaces the pods.',
  'telemetry.otlp.endpoint': 'Address of the collector, as http://collector.monitoring:4318.',
  'telemetry.otlp.protocol': 'http/protobuf (usually port 4318) or grpc (usually port 4317).',
  'telemetry.otlp.headersSecretName':
    'Secret with `headers`, name=value pairs with commas between them, that the collector asks for.',
  'telemetry.otlp.samplePercent': 'Percent of the traces that begin here and are recorded.',
};

/** Texts of a condition. */
export const CONDITION_TEXTS: Texts = {
  'conditions.type': 'What it is about.',
  'conditions.status': 'Whether it holds.',
  'conditions.observedGeneration': 'Generation of the spec that it is about.',
  'conditions.lastTransitionTime': 'When it last changed its status.',
  'conditions.reason': 'Why, in a word for programs.',
  'conditions.message': 'Why, and what to do, for people.',
};
