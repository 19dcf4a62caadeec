import { z } from 'zod';
import { calls } from './subscription/calls.ts';
import { consumerGroups, DEFAULT_GROUP, type ConsumerGroup } from './subscription/consumer-groups.ts';
import { directory } from './subscription/directory.ts';
import { durationMs } from './subscription/duration.ts';
import { accountId, resourceFilters } from './subscription/filters.ts';
import { disruptionBudget, ingress, networkPolicy, route, service, tls } from './subscription/exposure.ts';
import { autoscaling, image, imagePullSecrets, podTemplate, resources } from './subscription/pods.ts';
import { kazoo, loginMethods, oidc } from './subscription/login.ts';
import { privacy } from './subscription/privacy.ts';
import { redis } from './subscription/redis.ts';
import { dnsName, duration, immutable, objectName, ruled, secretRef, setOf } from './subscription/rules.ts';
import {
  followed,
  followedInCluster,
  platformOnly,
  restartRules,
  type Place,
  type RestartRules,
} from './subscription/takes-effect.ts';
import { logLevel, telemetry } from './subscription/telemetry.ts';
import { receiverPort, webhooks } from './subscription/webhooks.ts';

export { durationMs, type ConsumerGroup };

/** The longest lifetime of a token, whatever the resource says. */
export const MAX_TOKEN_TTL = '168h';

const cidr = ruled(
  z.string().max(43),
  {
    cel: 'isCIDR(self)',
    holds: (text) => z.cidrv4().safeParse(text).success || z.cidrv6().safeParse(text).success,
    message: 'a CIDR as 10.0.0.0/8',
  },
  {
    cel: '!isCIDR(self) || cidr(self).prefixLength() > 0',
    holds: (text) => !/\/0+$/.test(text),
    message: 'not a range of all addresses: every client could claim any address',
  },
);
const cidrs = setOf(cidr, 64);

const account = z.strictObject({
  id: immutable(accountId(), 'account.id cannot be changed: make another resource'),
  includeDescendants: followed(z.boolean().default(true)),
});

const stream = z.strictObject({
  partitions: immutable(
    z.int().min(1).max(64),
    'stream.partitions cannot be changed: order within a call would end, and every cursor with it',
  ).default(4),
  /** External: another system creates, trims and deletes the streams. */
  management: z.enum(['Managed', 'External']).default('Managed'),
  /** What happens to the streams when the last resource that uses them is deleted. */
  deletionPolicy: platformOnly(z.enum(['Retain', 'Delete']).default('Retain')),
  /** An ingested event is acknowledged once this many replicas of its Redis have it. */
  waitReplicas: z.int().min(0).max(16).default(0),
  retention: z
    .strictObject({
      /** Entries kept in each partition. */
      maxLength: z.int().min(1).max(1_000_000_000).default(250_000),
      maxAge: duration('1m', '8760h').default('24h'),
    })
    .prefault({}),
});

const exposedGateway = z.strictObject({
  connections: z
    .strictObject({
      maxPerReplica: z.int().min(1).max(1_000_000).default(10_000),
      slowConsumerPolicy: z.enum(['CatchUp', 'Latest', 'Disconnect']).default('CatchUp'),
      /** Connections with the same login account, over all replicas; absent: half of `maxPerReplica`. */
      maxPerAccount: z.int().min(1).max(1_000_000).optional(),
      /**
       * Connections of one user, over all replicas; absent: a quarter of `maxPerReplica`; no separate limit if
       * `maxPerAccount` is given.
       */
      maxPerUser: z.int().min(1).max(1_000_000).optional(),
      /**
       * Bytes that a replica keeps for peers that do not read; beyond it connections of the account that uses most are
       * ended.
       */
      maxUnreadBytes: z.int().min(16_777_216).max(1_099_511_627_776).default(268_435_456),
      drainTimeout: duration('0s', '1h').default('60s'),
      /**
       * Events are compressed for clients that offer permessage-deflate (RFC 7692), once for all clients that need the
       * same bytes.
       */
      compression: z.enum(['Negotiated', 'Disabled']).default('Negotiated'),
    })
    .prefault({}),
  tls: tls.prefault({}),
  trustedProxies: cidrs.default([]),
  /** Connections and requests of a client address before any of them succeeds: at once, and for each second. */
  addressLimit: z
    .strictObject({
      burst: z.int().min(10).max(1_000_000).default(4_000),
      perSecond: z.int().min(1).max(1_000_000).default(400),
    })
    .prefault({}),
  /** Every connection begins with a PROXY protocol header (v1 or v2), and only `trustedProxies` may connect. */
  proxyProtocol: z.boolean().default(false),
  /** The page at `/console/` of both listeners. */
  console: z.strictObject({ enabled: z.boolean().default(true) }).prefault({}),
  allowedOrigins: setOf(z.string().min(1).max(253), 64, 1).default(['*']),
  /** Ignored while autoscaling. */
  replicas: platformOnly(z.int().min(0).max(200).default(2)),
  autoscaling: platformOnly(autoscaling.optional()),
  /** Default: the operator's own. */
  image: platformOnly(image.optional()),
  imagePullSecrets: platformOnly(imagePullSecrets.default([])),
  resources: platformOnly(resources.prefault({})),
  podTemplate: platformOnly(podTemplate.prefault({})),
  service: platformOnly(service.prefault({})),
  ingress: platformOnly(ingress.optional()),
  route: platformOnly(route.optional()),
  disruptionBudget: platformOnly(disruptionBudget.prefault({})),
  networkPolicy: platformOnly(networkPolicy.prefault({})),
});

const gateway = ruled(
  exposedGateway,
  {
    cel: '!self.proxyProtocol || self.trustedProxies.size() > 0',
    holds: ({ proxyProtocol, trustedProxies }) => !proxyProtocol || trustedProxies.length > 0,
    message: 'proxyProtocol needs trustedProxies: without them every client could claim any address',
    field: 'trustedProxies',
  },
  {
    cel: '!(has(self.ingress) && has(self.route))',
    holds: ({ ingress, route }) => ingress === undefined || route === undefined,
    message: 'gateway.ingress and gateway.route are not given both',
    field: 'route',
  },
);

const signing = ruled(
  z.strictObject({
    algorithm: followedInCluster(z.enum(['HS256', 'EdDSA', 'ES256']).default('HS256')),
    /** A Secret with `signing-keys.json` that the platform rotates. */
    secretName: platformOnly(objectName().optional()),
    rotationInterval: platformOnly(duration('1h', '8760h').default('720h')),
    /** How long an old key still verifies after no replica signs with it. */
    overlap: platformOnly(duration('1m', '8760h').default('24h')),
  }),
  {
    cel: 'duration(self.overlap) < duration(self.rotationInterval)',
    holds: ({ overlap, rotationInterval }) => durationMs(overlap) < durationMs(rotationInterval),
    message: 'signing.overlap is shorter than signing.rotationInterval',
    field: 'overlap',
  },
);

const token = ruled(
  z.strictObject({
    ttl: duration('1m', MAX_TOKEN_TTL).default('1h'),
    /** Absent: `<namespace>/<name>` of the resource. */
    issuer: z.string().min(1).max(253).optional(),
    /** Absent: `<namespace>/<name>` of the resource. */
    audience: z.string().min(1).max(253).optional(),
    signing: signing.prefault({}),
  }),
  {
    cel: 'duration(self.ttl) <= duration(self.signing.overlap)',
    holds: ({ ttl, signing }) => durationMs(ttl) <= durationMs(signing.overlap),
    message: 'token.ttl is at most token.signing.overlap, or a rotation would end tokens that are still valid',
    field: 'ttl',
  },
);

/** A custom resource requires `directory`; a file may have its directory beside it. */
const auth = ruled(
  z.strictObject({
    directory: directory.optional(),
    login: loginMethods,
    kazoo: kazoo.optional(),
    oidc: oidc.optional(),
    token: token.prefault({}),
  }),
  {
    cel: "!('Check' in self.login) || (has(self.directory) && has(self.directory.http))",
    holds: ({ login, directory: source }) => !login.includes('Check') || source?.http !== undefined,
    message: 'auth.login: Check asks the server of auth.directory.http, which is not given',
    field: 'login',
  },
  {
    cel: "('Kazoo' in self.login) == has(self.kazoo)",
    holds: ({ login, kazoo: server }) => login.includes('Kazoo') === (server !== undefined),
    message: 'auth.kazoo belongs to method Kazoo of auth.login; give both or neither',
    field: 'kazoo',
  },
  {
    cel: "('OIDC' in self.login) == has(self.oidc)",
    holds: ({ login, oidc: provider }) => login.includes('OIDC') === (provider !== undefined),
    message: 'auth.oidc belongs to method OIDC of auth.login; give both or neither',
    field: 'oidc',
  },
);

const fields = z.strictObject({
  /** No gateway runs; groups and streams remain. */
  suspend: platformOnly(z.boolean().default(false)),
  account,
  filters: followed(resourceFilters.prefault({})),
  redis: redis.prefault({}),
  stream: stream.prefault({}),
  consumerGroups: consumerGroups.prefault([{ name: DEFAULT_GROUP }]),
  webhooks: webhooks.prefault({}),
  calls: calls.prefault({}),
  gateway: gateway.prefault({}),
  privacy: followed(privacy.prefault({})),
  auth: auth.prefault({}),
  /** Without a token there is no ingest endpoint in a cluster. */
  ingest: platformOnly(z.strictObject({ tokenSecretRef: secretRef('token').optional() }).prefault({})),
  /** Of the gateway's pods; a standalone process has the standard `OTEL_*` variables. */
  telemetry: platformOnly(telemetry.prefault({})),
  /** Of the gateway's pods; a standalone process has `LOG_LEVEL`. */
  logLevel: platformOnly(logLevel.default('info')),
});

/**
 * The FirehoseSubscription, read by the gateway from a file and by the API server as a custom resource (crds/ is
 * generated from it). Every field has its default here and works; durations are as in Kubernetes (`1h30m`).
 */
export const specSchema = ruled(fields, {
  cel:
    'self.consumerGroups.all(group, !has(group.webhook) || ' +
    '(has(group.webhook.allowPrivateAddresses) && group.webhook.allowPrivateAddresses) || ' +
    "(url(group.webhook.url).getPort() != '' ? int(url(group.webhook.url).getPort()) : " +
    "group.webhook.url.startsWith('https:') ? 443 : 80) in self.webhooks.allowedPorts)",
  holds: ({ consumerGroups: groups, webhooks: { allowedPorts } }) =>
    groups.every(
      ({ webhook }) =>
        webhook === undefined || webhook.allowPrivateAddresses || allowedPorts.includes(receiverPort(webhook.url)),
    ),
  message: 'the port of webhook.url is one of webhooks.allowedPorts, unless allowPrivateAddresses is set',
  field: 'consumerGroups',
});

export const subscriptionSchema = z.strictObject({
  apiVersion: z.literal('firehose.dev/v1alpha1'),
  kind: z.literal('FirehoseSubscription'),
  metadata: z.strictObject({
    name: dnsName('a DNS name'),
    namespace: dnsName('a DNS label').default('default'),
  }),
  spec: specSchema,
});

export type Subscription = z.output<typeof subscriptionSchema>;

let rules: RestartRules | undefined;
/** When a change of each field takes effect; made once, from the marks in the schema. */
export function takesEffect(): RestartRules {
  rules ??= restartRules(specSchema);
  return rules;
}

/** The part of a specification whose change needs a restart of the gateways. */
export function restartView(spec: Subscription['spec'], place: Place): unknown {
  return takesEffect().view(spec, place);
}
