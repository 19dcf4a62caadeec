import { z } from 'zod';
import { DEFAULT_KEY_PREFIX } from './keys.ts';

/**
 * The FirehoseSubscription, read by the gateway from a file. Every field has its default here and works;
 * durations are as Kubernetes writes them (`1h30m`).
 */
/** No token is made to live longer, whatever the resource says. */
export const MAX_TOKEN_TTL = '168h';

const DURATION = /^(?:\d+h)?(?:\d+m)?(?:\d+s)?$/;
const ACCOUNT_ID = /^[A-Za-z0-9_-]{1,64}$/;
const DNS_NAME = /^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;
const EVENT_NAME = /^[A-Z][A-Z0-9_]{1,63}$/;

/** A duration within bounds, both of them allowed. */
const duration = (least: string, most: string) =>
  z
    .string()
    .min(2)
    .regex(DURATION, 'a duration as 30s, 5m or 1h30m')
    .refine((text) => durationMs(text) >= durationMs(least) && durationMs(text) <= durationMs(most), {
      error: `a duration from ${least} to ${most}`,
    });
const eventNames = z.array(z.string().regex(EVENT_NAME, 'an event name as CHANNEL_ANSWER')).max(64);
const cidrs = z.array(z.union([z.cidrv4(), z.cidrv6()], { error: 'a CIDR as 10.0.0.0/8' })).max(64);

const account = z.strictObject({
  id: z.string().regex(ACCOUNT_ID, 'an account id: 1 to 64 of A-Z a-z 0-9 _ -'),
  includeDescendants: z.boolean().default(true),
});

const filters = z
  .strictObject({
    events: eventNames.default([]),
    excludeEvents: eventNames.default([]),
    accounts: z.array(z.string().regex(ACCOUNT_ID)).max(256).default([]),
    /** Event names beyond the catalogue that logins may filter by. */
    additionalEvents: eventNames.default([]),
  })
  .refine(({ events, excludeEvents }) => events.length === 0 || events.some((name) => !excludeEvents.includes(name)), {
    path: ['excludeEvents'],
    error: 'leaves nothing of filters.events: no event would be delivered',
  });

const stream = z.strictObject({
  partitions: z.int().min(1).max(64).default(4),
  /** An ingested event is acknowledged once so many replicas of its Redis have it. */
  waitReplicas: z.int().min(0).max(16).default(0),
  retention: z
    .strictObject({
      /** Entries kept a partition. */
      maxLength: z.int().min(1).default(250_000),
      maxAge: duration('1m', '8760h').default('24h'),
    })
    .prefault({}),
});

const gateway = z.strictObject({
  connections: z
    .strictObject({
      maxPerReplica: z.int().min(1).max(1_000_000).default(10_000),
      slowConsumerPolicy: z.enum(['CatchUp', 'Latest', 'Disconnect']).default('CatchUp'),
      /** Connections whose login account is the same one, over all replicas; absent: no limit. */
      maxPerAccount: z.int().min(1).max(1_000_000).optional(),
      drainTimeout: duration('0s', '1h').default('60s'),
    })
    .prefault({}),
  tls: z.strictObject({ disabled: z.boolean().default(false) }).prefault({}),
  trustedProxies: cidrs.default([]),
  /** Every connection begins with a PROXY protocol header (v1 or v2). */
  proxyProtocol: z.boolean().default(false),
  allowedOrigins: z.array(z.string().min(1)).min(1).max(64).default(['*']),
});

const auth = z.strictObject({
  token: z
    .strictObject({
      ttl: duration('1m', MAX_TOKEN_TTL).default('1h'),
      issuer: z.string().min(1).default('firehose'),
      audience: z.string().min(1).default('firehose'),
      signing: z.strictObject({ algorithm: z.enum(['HS256', 'EdDSA', 'ES256']).default('HS256') }).prefault({}),
    })
    .prefault({}),
});

export const DEFAULT_GROUP = 'default';
const MOST_GROUPS = 32;

const consumerGroup = z
  .strictObject({
    name: z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'a DNS label'),
    /** Where the group begins when it is made: with what comes from then on, with the oldest retained, or after an id. */
    startPosition: z.enum(['New', 'Earliest', 'ID']).default('New'),
    /** Entry id after which the group begins in every partition, with `startPosition: ID`. */
    startID: z
      .string()
      .regex(/^\d{1,16}-\d{1,16}$/, 'an entry id as 1700000000000-0')
      .optional(),
    /** How long a delivered event may wait for its acknowledgement before it is delivered again. */
    ackWait: duration('1s', '1h').default('30s'),
    /** Deliveries of an event before it is a dead letter. */
    maxDeliver: z.int().min(1).max(100).default(5),
    /** Delivered and not acknowledged events a connection. */
    maxPending: z.int().min(1).max(10_000).default(1_000),
    deadLetter: z
      .strictObject({
        /** Dead letters kept a partition; the oldest go first. */
        maxLength: z.int().min(1).max(1_000_000).default(10_000),
      })
      .prefault({}),
  })
  .refine((group) => (group.startPosition === 'ID') === (group.startID !== undefined), {
    path: ['startID'],
    error: 'goes with startPosition: ID, and only with it',
  });

/** `default` always exists: a declared list is added to it. */
const consumerGroups = z
  .array(consumerGroup)
  .min(1)
  .overwrite((groups) =>
    groups.some(({ name }) => name === DEFAULT_GROUP)
      ? groups
      : [consumerGroup.parse({ name: DEFAULT_GROUP }), ...groups],
  )
  .max(MOST_GROUPS, `at most ${MOST_GROUPS} groups, '${DEFAULT_GROUP}' among them`)
  .refine((groups) => new Set(groups.map(({ name }) => name)).size === groups.length, {
    error: 'names a group twice',
  });

const redis = z
  .strictObject({
    mode: z.enum(['Standalone', 'Sentinel', 'Cluster']).default('Standalone'),
    sentinel: z.strictObject({ masterName: z.string().min(1).max(253) }).optional(),
    database: z.int().min(0).max(65_535).default(0),
    keyPrefix: z.string().min(1).max(64).default(DEFAULT_KEY_PREFIX),
    tls: z
      .strictObject({
        enabled: z.boolean().default(false),
        /** What the certificate of every server must be for, where that is not the host's name. */
        serverName: z.string().regex(DNS_NAME, 'a DNS name').optional(),
      })
      .prefault({}),
  })
  .refine(({ mode, sentinel }) => (mode === 'Sentinel') === (sentinel !== undefined), {
    path: ['sentinel'],
    error: 'sentinel.masterName is given exactly with mode Sentinel',
  })
  .refine(({ mode, database }) => mode !== 'Cluster' || database === 0, {
    path: ['database'],
    error: 'a Redis Cluster has database 0 alone',
  });

export const subscriptionSchema = z.strictObject({
  apiVersion: z.literal('firehose.dev/v1alpha1'),
  kind: z.literal('FirehoseSubscription'),
  metadata: z.strictObject({
    name: z.string().regex(DNS_NAME, 'a DNS name'),
    namespace: z.string().regex(DNS_NAME, 'a DNS label').default('default'),
  }),
  spec: z.strictObject({
    account,
    filters: filters.prefault({}),
    redis: redis.prefault({}),
    stream: stream.prefault({}),
    consumerGroups: consumerGroups.prefault([{ name: DEFAULT_GROUP }]),
    gateway: gateway.prefault({}),
    auth: auth.prefault({}),
  }),
});

export type Subscription = z.output<typeof subscriptionSchema>;
export type ConsumerGroup = z.output<typeof consumerGroup>;

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000 };

/** Milliseconds of a duration that the schema has accepted. */
export function durationMs(duration: string): number {
  let total = 0;
  for (const [, amount, unit] of duration.matchAll(/(\d+)([hms])/g)) total += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return total;
}
