import { CONDITION_TEXTS, POD_TEXTS, REDIS_TEXTS, TELEMETRY_TEXTS, below } from './shared-descriptions.ts';

type Texts = Readonly<Record<string, string>>;

const SECRET: Texts = { name: 'Name of the Secret, in this namespace.', key: 'Key in the Secret.' };
const secret = (field: string, text: string): Texts => ({ [field]: text, ...below(field, SECRET) });

const TLS: Texts = {
  ...secret('caSecretRef', "Secret with the authorities that its certificate may be of; the system's when not given."),
  clientCertSecretName: 'Secret of type kubernetes.io/tls with the certificate that the source shows.',
  serverName: "Name that its certificate must be for, where that is not the host's.",
};

const CREDENTIALS: Texts = {
  credentialsSecretRef: 'Secret with `password`, and `username` where there is one.',
  'credentialsSecretRef.name': 'Name of the Secret, in this namespace.',
};

const BUS: Texts = {
  brokers: 'The brokers of the platform, as one a zone. Each has a queue of the source.',
  'brokers.name': 'Name of the broker in status and metrics; `broker` when not given.',
  ...below('brokers', secret('urlSecretRef', 'Secret with the URL, as amqps://user:password@host:5671/vhost.')),
  'brokers.tls': 'TLS to the broker, with a URL that begins with amqps://.',
  ...below('brokers.tls', TLS),
  queue: 'The queue of the source. Cannot be changed.',
  'queue.type': 'Quorum: messages outlive a stop of the broker. Classic: they do not.',
  'queue.maxLength': 'Messages that wait while no replica takes them; then the oldest go.',
  'queue.messageTTL': 'Time that a message waits.',
  'queue.expires': 'The broker deletes the queue after this time without a replica.',
  prefetch: 'Messages that a replica takes before the log has the first of them.',
};

const KAZOO: Texts = {
  kazoo: "Events of Kazoo's message bus (RabbitMQ).",
  ...below('kazoo', BUS),
  'kazoo.exchange': 'Exchange that Kazoo publishes call events to.',
  'kazoo.declareExchange': 'Makes the exchange where it is missing. Needs the right to configure it.',
  'kazoo.additionalEvents': 'Event names beyond the catalogue that are taken.',
};

const FREESWITCH: Texts = {
  freeswitch: 'Events of FreeSWITCH, by its event socket or by mod_amqp.',
  'freeswitch.endpoints': 'The switches, by their event sockets. Each replica connects to each of them.',
  'freeswitch.endpoints.name': 'Name of the switch in status, metrics and keys.',
  'freeswitch.endpoints.host': 'Host of the event socket. It has no TLS: use a private network.',
  'freeswitch.endpoints.port': 'Port of the event socket; 8021 when not given.',
  ...below('freeswitch.endpoints', CREDENTIALS),
  'freeswitch.amqp': 'What mod_amqp publishes, instead of the event sockets.',
  ...below('freeswitch.amqp', BUS),
  'freeswitch.amqp.exchange': 'Exchange that mod_amqp publishes to.',
  'freeswitch.park':
    'What is taken for parking: valet_park (Valet), CHANNEL_PARK of the dialplan (Application), or nothing (None).',
};

const ASTERISK: Texts = {
  asterisk: 'Events of Asterisk.',
  'asterisk.endpoints': 'The switches. Each replica connects to each of them.',
  'asterisk.endpoints.name': 'Name of the switch in status, metrics, keys and Call-IDs.',
  'asterisk.endpoints.interface':
    'AMI: the manager interface. ARI: the REST interface. ARIOutbound: the switch connects to the source (Asterisk 22.5 and later). AMI when not given.',
  'asterisk.endpoints.host': 'Host of the interface; not with ARIOutbound.',
  'asterisk.endpoints.port':
    'Port of the interface; when not given 5038, or 5039 with TLS, of AMI, and 8088, or 8089 with TLS, of ARI.',
  ...below('asterisk.endpoints', CREDENTIALS),
  'asterisk.endpoints.tls': 'TLS to the switch.',
  'asterisk.endpoints.tls.enabled': 'Speaks TLS.',
  ...below('asterisk.endpoints.tls', TLS),
  'asterisk.listen': 'Where switches connect, with ARIOutbound.',
  'asterisk.listen.port': 'Port of the pods.',
  'asterisk.listen.service': 'The Service that switches reach.',
  'asterisk.listen.service.type': 'Type of the Service.',
  'asterisk.listen.service.port': 'Port of the Service.',
  'asterisk.listen.service.annotations': 'Annotations of the Service.',
  'asterisk.listen.service.loadBalancerClass': 'Who makes the load balancer, with type LoadBalancer.',
  'asterisk.listen.tls': 'Whose certificate switches see. Nothing said: one that the operator makes and renews.',
  'asterisk.listen.tls.secretName': 'Secret of type kubernetes.io/tls that you renew.',
  'asterisk.listen.tls.issuerRef': 'Asks cert-manager for the certificate.',
  'asterisk.listen.tls.issuerRef.name': 'Name of the issuer.',
  'asterisk.listen.tls.issuerRef.kind': 'Issuer or ClusterIssuer.',
  'asterisk.listen.tls.issuerRef.group': 'API group of the issuer.',
  'asterisk.listen.tls.disabled': 'Plain HTTP, for a proxy in front that ends TLS.',
  'asterisk.listen.tls.dnsNames': 'Names that the certificate is for besides those of the Service.',
};

const SIMULATOR: Texts = {
  simulator: 'Simulated calls, for a first try and for tests.',
  'simulator.seed': 'Another seed gives other calls.',
  'simulator.callsPerSecond': 'Calls that begin each second.',
  'simulator.accounts': 'Accounts that have the calls.',
  'simulator.accounts.id': 'Id of the account.',
  'simulator.accounts.name': 'Name of the account.',
  'simulator.accounts.realm': 'SIP realm of the account.',
};

const ACCOUNTS: Texts = {
  accounts: 'How the account of a call is found. The first that names one wins: the switch, a rule, the directory.',
  'accounts.variable': 'Channel variable that names the account.',
  'accounts.rules': 'Rules for calls that do not name it; the first that matches counts.',
  'accounts.rules.match': 'What must match, all of it: an exact value, or a prefix and * at its end.',
  'accounts.rules.match.domain': 'SIP domain of the leg.',
  'accounts.rules.match.accountCode': 'Account code of the channel.',
  'accounts.rules.match.context': 'Dialplan context.',
  'accounts.rules.match.did': 'Number that was called.',
  'accounts.rules.account': 'Account of the calls that match.',
  'accounts.fromDirectory': 'The realms of the directory choose accounts, too.',
  ...secret('accounts.directorySecretRef', 'Secret with the directory.'),
  'accounts.holdCreate': 'Time that the events of a new leg wait for one that names the account, at most 2s.',
};

/** The texts of `kubectl explain` for each field of a FirehoseSource. */
export const SOURCE_DESCRIPTIONS: Texts = {
  spec: 'What should run.',
  ...below('spec', {
    suspend: 'Runs no replica while true. Nothing is taken from the switches meanwhile.',
    replicas: 'Number of replicas: all listen, one publishes.',
    ...REDIS_TEXTS,
    stream: 'The streams of the event log.',
    'stream.partitions': 'Number of streams; a call stays in one of them. Cannot be changed.',
    'stream.waitReplicas': 'An event is in the log once this many replicas of its Redis have it.',
    'stream.retention': 'How much is kept while no FirehoseSubscription uses the streams.',
    'stream.retention.maxLength': 'Entries kept in each partition.',
    'stream.retention.maxAge': 'Time for which entries are kept, as 24h.',
    ...KAZOO,
    ...FREESWITCH,
    ...ASTERISK,
    ...SIMULATOR,
    ...ACCOUNTS,
    channelVariables: 'Channel variables that events carry in Custom-Application-Vars; a prefix ends with *.',
    privacy: 'Which fields of the switch tenants see.',
    'privacy.keep': 'Fields that they see although they are hidden by default; a prefix ends with *.',
    'privacy.remove': 'Fields that they do not see; a prefix ends with *.',
    lostCalls: 'Destroy: a call that ended while nobody listened gets a synthetic CHANNEL_DESTROY.',
    image: "Image of the pods; the operator's own when not given.",
    ...POD_TEXTS,
    disruptionBudget: 'How many pods may be away at once when nodes are drained.',
    'disruptionBudget.maxUnavailable': 'Pods that may be away.',
    networkPolicy: 'A NetworkPolicy for the pods.',
    'networkPolicy.enabled': 'Lets them reach the switches, Redis and DNS, and lets metrics be read; nothing else.',
    telemetry: 'Traces and metrics of the pods. Prometheus finds the metrics on the inner port in any case.',
    ...TELEMETRY_TEXTS,
    logLevel: 'How much the pods log.',
  }),
  status: 'What the operator has found.',
  ...below('status', {
    observedGeneration: 'Generation of the spec that the status is about.',
    conditions: 'Ready sums up the others. Reconciling, Stalled, Suspended and Degraded are there only while true.',
    ...CONDITION_TEXTS,
    type: 'What events come from.',
    connected: 'Connected and all endpoints.',
    endpoints: 'The switches or brokers.',
    'endpoints.name': 'Name of the endpoint.',
    'endpoints.state': 'How far the connection is; Unknown while no replica reports.',
    'endpoints.instance': 'The life of the switch: another one after its restart.',
    'endpoints.since': 'When it came into this state.',
    'endpoints.reason': 'Why it is not Live, or what it lacks.',
    lastGap: 'The last interval in which no replica listened.',
    'lastGap.endpoint': 'Name of the endpoint.',
    'lastGap.reason': 'Why.',
    'lastGap.from': 'When it began.',
    'lastGap.to': 'When it ended.',
    replicas: 'Pods that there are.',
    readyReplicas: 'Pods that are ready.',
    image: 'Image that they run.',
    selector: 'Label selector of the pods.',
  }),
};
