import { MINIMAL_SPEC } from './resources.ts';

/** A specification that both readers must refuse, each in its own words. */
export interface WrongResource {
  readonly what: string;
  readonly spec: object;
  /** Part of the API server's message: it names the field or says what to do. */
  readonly says: RegExp;
  /** Valid in a file, where `REDIS_URL` and the directory exist besides it. */
  readonly clusterOnly?: true;
}

type Patch = { readonly [section: string]: unknown };

const wrong = (what: string, patch: Patch, says: RegExp): WrongResource => ({
  what,
  spec: { ...MINIMAL_SPEC, ...patch },
  says,
});
const gateway = (what: string, patch: Patch, says: RegExp) => wrong(what, { gateway: patch }, says);
const token = (what: string, patch: Patch, says: RegExp) =>
  wrong(what, { auth: { ...MINIMAL_SPEC.auth, token: patch } }, says);
const auth = (what: string, patch: Patch, says: RegExp) =>
  wrong(what, { auth: { ...MINIMAL_SPEC.auth, ...patch } }, says);
const directory = (what: string, patch: Patch, says: RegExp) => wrong(what, { auth: { directory: patch } }, says);
const group = (what: string, patch: Patch, says: RegExp) => wrong(what, { consumerGroups: [patch] }, says);
const hook = (what: string, patch: Patch, says: RegExp, more: Patch = {}) => {
  const webhook = { url: 'https://crm.example.com/hooks', secretRefs: [{ name: 'crm' }], ...patch };
  return group(what, { name: 'a', account: MINIMAL_SPEC.account.id, webhook, ...more }, says);
};
const sink = (what: string, patch: Patch, says: RegExp, more: Patch = {}) => {
  const nats = { servers: ['tls://nats.example.com:4222'], ...patch };
  return group(what, { name: 'a', account: MINIMAL_SPEC.account.id, nats, ...more }, says);
};
const many = (count: number, make: (index: number) => unknown) => Array.from({ length: count }, (_, i) => make(i));
const otlp = (what: string, patch: Patch, says: RegExp) =>
  wrong(what, { telemetry: { otlp: { endpoint: 'http://collector:4318', ...patch } } }, says);
const redis = MINIMAL_SPEC.redis;

export const WRONG_RESOURCES: readonly WrongResource[] = [
  { what: 'nothing', spec: {}, says: /spec\.account: Required/ },
  { what: 'no Redis', spec: { ...MINIMAL_SPEC, redis: {} }, says: /redis\.urlSecretRef: Required/, clusterOnly: true },
  { what: 'no directory', spec: { ...MINIMAL_SPEC, auth: {} }, says: /auth\.directory: Required/, clusterOnly: true },
  directory('no directory after all', {}, /auth\.directory has either secretRef or http/),
  directory(
    'two directories',
    { ...MINIMAL_SPEC.auth.directory, http: { url: 'https://directory.example.com' } },
    /auth\.directory has either secretRef or http/,
  ),
  directory('a directory in a file', { http: { url: 'file:///etc/passwd' } }, /directory\.http\.url/),
  directory('a directory with a password', { http: { url: 'https://a:b@example.com/' } }, /directory\.http\.url/),
  directory('polls all the time', { http: { url: 'https://example.com/', interval: '1s' } }, /from 5s to 1h/),
  auth('Check without a server', { login: ['Check'] }, /Check asks the server of auth\.directory\.http/),
  auth('Kazoo without an address', { login: ['Directory', 'Kazoo'] }, /auth\.kazoo belongs to method Kazoo/),
  auth('an unused Kazoo', { kazoo: { url: 'https://kazoo.example.com' } }, /auth\.kazoo belongs to method Kazoo/),
  auth('OIDC without a provider', { login: ['OIDC'] }, /auth\.oidc belongs to method OIDC/),
  auth('no method at all', { login: [] }, /auth\.login/),
  auth('a method twice', { login: ['Directory', 'Directory'] }, /auth\.login\[1\].*Duplicate/s),
  auth(
    'a symmetric algorithm',
    { login: ['OIDC'], oidc: { issuer: 'https://id.example.com', audience: 'a', algorithms: ['HS256'] } },
    /auth\.oidc\.algorithms\[0\]/,
  ),
  wrong('no account id', { account: {} }, /account\.id: Required/),
  wrong('an account id with a blank', { account: { id: 'a b' } }, /account\.id.*match/s),
  wrong('an account id that is a number', { account: { id: 42 } }, /account\.id.*must be of type string/s),
  wrong('an account id that climbs a path', { account: { id: '../../etc' } }, /account\.id/),
  wrong('a very long account id', { account: { id: 'x'.repeat(65) } }, /account\.id.*(64|long)/s),
  wrong('suspend as a word', { suspend: 'yes' }, /spec\.suspend.*boolean/s),
  wrong('an event in small letters', { filters: { events: ['channel_answer'] } }, /filters\.events\[0\]/),
  wrong('an event twice', { filters: { events: ['DTMF', 'DTMF'] } }, /filters\.events\[1\].*Duplicate/s),
  wrong('65 events', { filters: { events: many(65, (i) => `EVENT_${i}`) } }, /filters\.events.*64/s),
  wrong('257 accounts', { filters: { accounts: many(257, (i) => `a${i}`) } }, /filters\.accounts.*256/s),
  wrong('all events excluded', { filters: { events: ['DTMF'], excludeEvents: ['DTMF'] } }, /leaves nothing of/),
  wrong('a URL in clear', { redis: { url: 'redis://10.0.0.1' } }, /redis\.url/),
  wrong('a secret of another namespace', { redis: { urlSecretRef: { name: 'a', namespace: 'b' } } }, /namespace/),
  wrong('a secret with a slash', { redis: { urlSecretRef: { name: 'kube-system/admin' } } }, /urlSecretRef\.name/),
  wrong('a key of a secret with a slash', { redis: { urlSecretRef: { name: 'a', key: '../b' } } }, /urlSecretRef\.key/),
  wrong(
    'a sentinel without its mode',
    { redis: { ...redis, sentinel: { masterName: 'm' } } },
    /belongs to mode Sentinel/,
  ),
  wrong('sentinels without a master', { redis: { ...redis, mode: 'Sentinel' } }, /belongs to mode Sentinel/),
  wrong('a database in a cluster', { redis: { ...redis, mode: 'Cluster', database: 3 } }, /only database 0/),
  wrong('an empty key prefix', { redis: { ...redis, keyPrefix: '' } }, /redis\.keyPrefix/),
  wrong('a key prefix with a hash tag', { redis: { ...redis, keyPrefix: 'a{b}:' } }, /redis\.keyPrefix/),
  wrong('a key prefix of two lines', { redis: { ...redis, keyPrefix: 'a\nb' } }, /redis\.keyPrefix/),
  wrong('no partition', { stream: { partitions: 0 } }, /stream\.partitions.*greater than or equal to 1/s),
  wrong('65 partitions', { stream: { partitions: 65 } }, /stream\.partitions.*less than or equal to 64/s),
  wrong('one and a half partitions', { stream: { partitions: 1.5 } }, /stream\.partitions.*integer/s),
  wrong('an age in words', { stream: { retention: { maxAge: '1 day' } } }, /retention\.maxAge/),
  wrong('an age below the least', { stream: { retention: { maxAge: '5s' } } }, /a duration from 1m to 8760h/),
  wrong('an age that overflows', { stream: { retention: { maxAge: '9999999999h' } } }, /retention\.maxAge/),
  wrong('no entries kept', { stream: { retention: { maxLength: 0 } } }, /retention\.maxLength/),
  wrong('an unknown management', { stream: { management: 'Shared' } }, /"External"/),
  wrong('an unknown policy', { stream: { deletionPolicy: 'Keep' } }, /"Retain"/),
  wrong('no group in the list', { consumerGroups: [] }, /consumerGroups.*at least 1/s),
  wrong(
    '32 groups beside `default`',
    { consumerGroups: many(32, (i) => ({ name: `g${i}` })) },
    /`?'?default'?`? among/,
  ),
  wrong('33 groups', { consumerGroups: many(33, (i) => ({ name: `g${i}` })) }, /consumerGroups.*32/s),
  wrong('a group twice', { consumerGroups: [{ name: 'a' }, { name: 'a' }] }, /consumerGroups\[1\].*Duplicate/s),
  group('a group with a slash', { name: 'other/acme/default' }, /consumerGroups\[0\]\.name/),
  group('a start id without its position', { name: 'a', startID: '1-0' }, /belongs to startPosition ID/),
  group('a position without its start id', { name: 'a', startPosition: 'ID' }, /belongs to startPosition ID/),
  group('a start id that is none', { name: 'a', startPosition: 'ID', startID: '$' }, /startID/),
  group(
    'a group of no event',
    { name: 'a', filters: { events: ['DTMF'], excludeEvents: ['DTMF'] } },
    /leaves nothing of/,
  ),
  group('a group of an account with a blank', { name: 'a', filters: { accounts: ['a b'] } }, /filters\.accounts/),
  group('no delivery', { name: 'a', maxDeliver: 0 }, /maxDeliver/),
  group('an acknowledgement within no time', { name: 'a', ackWait: '0s' }, /a duration from 1s to 1h/),
  hook('a webhook of no account', {}, /declared for an account/, { account: undefined }),
  sink('a sink of no account', {}, /declared for an account/, { account: undefined }),
  sink('a sink that may outlast ackWait', { timeout: '30s' }, /shorter than ackWait/),
  sink('a sink beside a webhook', {}, /a webhook or to nats/, {
    webhook: { url: 'https://crm.example.com/hooks', secretRefs: [{ name: 'crm' }] },
  }),
  sink('a sink without servers', { servers: [] }, /nats\.servers/),
  sink('a sink with a password', { servers: ['nats://me:sesame@nats.example.com'] }, /nats\.servers\[0\]/),
  sink('a sink over a WebSocket', { servers: ['wss://nats.example.com'] }, /nats\.servers\[0\]/),
  sink('a sink to everything', { subject: 'firehose.>' }, /nats\.subject/),
  sink('a sink with an unknown placeholder', { subject: 'firehose.{tenant}' }, /nats\.subject/),
  sink(
    'a sink with two kinds of credentials',
    { tokenSecretRef: { name: 'a' }, loginSecretName: 'b' },
    /one of credsSecretRef, tokenSecretRef and loginSecretName/,
  ),
  sink(
    'authorities for what is in clear',
    { servers: ['nats://nats.example.com'], caSecretRef: { name: 'a' } },
    /caSecretRef belongs to servers with tls/,
  ),
  hook('a webhook in clear', { url: 'http://crm.example.com/' }, /is https, unless/),
  hook('a webhook to a port of mail', { url: 'https://crm.example.com:25/' }, /one of webhooks\.allowedPorts/),
  wrong('no port for webhooks', { webhooks: { allowedPorts: [] } }, /webhooks\.allowedPorts/),
  wrong('1,001 webhooks of logins', { webhooks: { selfService: { maxTotal: 1_001 } } }, /selfService\.maxTotal/),
  wrong('port 0 for webhooks', { webhooks: { allowedPorts: [0] } }, /webhooks\.allowedPorts/),
  hook('a webhook with a password', { url: 'https://me:sesame@crm.example.com/' }, /webhook\.url/),
  { ...hook('a webhook without a secret', { secretRefs: undefined }, /secretRefs: Required/), clusterOnly: true },
  hook('three secrets', { secretRefs: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] }, /secretRefs/),
  hook('a webhook that may outlast ackWait', { timeout: '30s' }, /shorter than ackWait/),
  hook('257 requests at a time', { concurrency: 257 }, /concurrency/),
  hook('an unknown format', { format: 'XML' }, /"Raw"/),
  gateway('fewer than no replicas', { replicas: -1 }, /gateway\.replicas/),
  gateway('201 replicas', { replicas: 201 }, /gateway\.replicas/),
  gateway('autoscaling without a most', { autoscaling: {} }, /maxReplicas: Required/),
  gateway('a least above the most', { autoscaling: { minReplicas: 5, maxReplicas: 3 } }, /not above maxReplicas/),
  gateway('autoscaling down to none', { autoscaling: { minReplicas: 0, maxReplicas: 3 } }, /minReplicas/),
  gateway('an image with a line feed', { image: 'a\nb' }, /gateway\.image/),
  gateway('a quantity that is none', { resources: { requests: { cpu: 'lots' } } }, /requests\.cpu/),
  gateway('17 quantities', { resources: { limits: Object.fromEntries(many(17, (i) => [`r${i}`, 1]) as []) } }, /16/),
  gateway('a privileged pod', { podTemplate: { securityContext: { privileged: true } } }, /securityContext/),
  gateway('a pod on the host network', { podTemplate: { hostNetwork: true } }, /hostNetwork/),
  gateway('an unknown effect', { podTemplate: { tolerations: [{ effect: 'Always' }] } }, /"NoExecute"/),
  gateway(
    'a skew of none',
    { podTemplate: { topologySpreadConstraints: [{ maxSkew: 0, topologyKey: 'z' }] } },
    /maxSkew/,
  ),
  gateway('a million and one connections', { connections: { maxPerReplica: 1_000_001 } }, /maxPerReplica/),
  gateway('a drain of two hours', { connections: { drainTimeout: '2h' } }, /a duration from 0s to 1h/),
  gateway('a class without a load balancer', { service: { loadBalancerClass: 'x' } }, /only for type LoadBalancer/),
  gateway('an external name', { service: { type: 'ExternalName' } }, /"ClusterIP"/),
  gateway('port 0', { service: { port: 0 } }, /service\.port/),
  gateway('two certificates', { tls: { secretName: 'a', issuerRef: { name: 'b' } } }, /at most one of/),
  gateway('a certificate and none', { tls: { secretName: 'a', disabled: true } }, /at most one of/),
  gateway('names for no certificate', { tls: { disabled: true, dnsNames: ['a.b'] } }, /leave out secretName/),
  gateway('an address without a range', { trustedProxies: ['10.0.0.1'] }, /a CIDR as 10\.0\.0\.0\/8/),
  gateway('a range too wide', { trustedProxies: ['10.0.0.0/33'] }, /a CIDR as/),
  gateway('a proxy that everybody is', { trustedProxies: ['10.0.0.0/8', '0.0.0.0/0'] }, /not a range of all addresses/),
  gateway(
    'a PROXY header of everybody',
    { proxyProtocol: true, trustedProxies: ['::/0'] },
    /not a range of all addresses/,
  ),
  gateway('no origin', { allowedOrigins: [] }, /allowedOrigins/),
  gateway(
    'an ingress and a route',
    { ingress: { host: 'a.b' }, route: { parentRefs: [{ name: 'x' }] } },
    /not given both/,
  ),
  gateway('a host with a path', { ingress: { host: 'a.b/c' } }, /ingress\.host/),
  gateway('a host with an empty label', { ingress: { host: 'a..b' } }, /ingress\.host/),
  gateway('a route to nowhere', { route: { parentRefs: [] } }, /parentRefs/),
  gateway('a budget of none', { disruptionBudget: { maxUnavailable: 0 } }, /maxUnavailable/),
  gateway('a misspelt field', { replica: 2 }, /replica/),
  token('a token of a second', { ttl: '1s' }, /a duration from 1m to 168h/),
  token('a token that outlives its key', { ttl: '48h' }, /at most token\.signing\.overlap/),
  token('no algorithm', { signing: { algorithm: 'none' } }, /"HS256"/),
  token(
    'an overlap as long as the interval',
    { signing: { rotationInterval: '24h', overlap: '24h' } },
    /is shorter than/,
  ),
  wrong('telemetry to nowhere', { telemetry: { otlp: {} } }, /otlp\.endpoint: Required/),
  otlp('a collector without a scheme', { endpoint: 'collector:4318' }, /otlp\.endpoint/),
  otlp('a collector with a password', { endpoint: 'http://user:secret@collector:4318' }, /otlp\.endpoint/),
  otlp('a collector that is sent a secret', { endpoint: 'http://collector/$(REDIS_URL)' }, /otlp\.endpoint/),
  otlp('a collector with a query', { endpoint: 'http://collector:4318/?key=secret' }, /otlp\.endpoint/),
  otlp('an unknown protocol of telemetry', { protocol: 'http/json' }, /"http\/protobuf"/),
  otlp('more than all traces', { samplePercent: 101 }, /samplePercent/),
  otlp('a part of a percent', { samplePercent: 0.5 }, /samplePercent.*integer/s),
  otlp('headers in clear', { headers: 'api-key=secret' }, /otlp\.headers/),
  wrong('an unknown log level', { logLevel: 'loud' }, /spec\.logLevel/),
  wrong(
    'an annotation that fills etcd',
    { gateway: { podTemplate: { annotations: { a: 'x'.repeat(5_000) } } } },
    /4096/,
  ),
];
