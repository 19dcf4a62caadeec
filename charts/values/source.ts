import { z } from 'zod';
import {
  env,
  flag,
  image,
  integer,
  logLevel,
  objectName,
  oneOf,
  placement,
  resources,
  secretKey,
  section,
} from './pods.ts';
import { ACCOUNT_ID } from '../../protocol/subscription/filters.ts';

const redis = section(
  'Redis that events are written to. Mode, database, prefix and TLS as in its FirehoseSubscriptions.',
  {
    urlSecret: secretKey('The URL, as redis://user:password@host:6379/0. Required without the demo.', 'url'),
    mode: oneOf(['Standalone', 'Sentinel', 'Cluster'], 'Standalone').describe('Kind of Redis that the URL names.'),
    masterName: z.string().max(253).default('').describe('With Sentinel alone: name of the master.'),
    database: integer(0, 0, 65_535).describe('Number of the database.'),
    keyPrefix: z
      .string()
      .max(64)
      .regex(/^[\w.:/-]+$/)
      .default('firehose:')
      .describe('Beginning of all keys.'),
    tls: section('TLS.', {
      enabled: flag(false).describe('TLS also without rediss://.'),
      serverName: objectName().describe("What every server's certificate must be for. Empty: its host."),
      caSecret: secretKey("Authority of the servers' certificates. Without a name: the system's.", 'ca.crt'),
      clientCertSecretName: objectName().describe('A Secret of type kubernetes.io/tls. Empty: no client certificate.'),
    }),
  },
);

const stream = section('The streams, as in the FirehoseSubscriptions of this Redis.', {
  partitions: integer(4, 1, 64).describe('Number of partitions.'),
  waitReplicas: integer(0, 0, 16).describe('Replicas of the Redis that must have an event.'),
  retention: section('Retention while no FirehoseSubscription uses the streams.', {
    maxLength: integer(50_000, 1, 1_000_000_000).describe('Entries a partition.'),
    maxAge: z
      .string()
      .min(2)
      .max(24)
      .regex(/^(\d+h)?(\d+m)?(\d+s)?$/)
      .default('1h')
      .describe('Age of the oldest entry.'),
  }),
});

const account = z.strictObject({
  id: z.string().regex(ACCOUNT_ID),
  name: z.string().min(1).max(253),
  realm: z.string().min(1).max(253),
});

const simulator = section('Simulated calls.', {
  callsPerSecond: z.number().gt(0).max(100).default(2).describe('Calls that begin a second, on average.'),
  seed: z.string().min(1).max(253).default('firehose').describe('Seed: another one gives other calls.'),
  accounts: z
    .array(account)
    .max(10_000)
    .default([])
    .describe('Accounts of the calls: `- { id, name, realm }`. Required without the demo.'),
});

/** Writes events into a Redis: one Deployment for each Redis, whatever number of resources reads it. */
export const source = section('A source that writes events into a Redis.', {
  kind: oneOf(['none', 'simulator'], 'none').describe('`simulator` makes up calls, for a first try and for tests.'),
  replicas: integer(1, 0, 9).describe('Replicas produce the same calls; each event is written once.'),
  logLevel: logLevel(),
  env: env(),
  redis,
  stream,
  simulator,
  resources: resources('50m', '128Mi', '256Mi'),
  ...placement,
});

export const demo = section('A first try: a Redis, and a directory with one user. Its data is not kept.', {
  enabled: flag(false).describe('Installs it.'),
  redis: section('Its Redis.', {
    image: image('A Redis or Valkey of version 7 or newer.', 'docker.io/library/redis', '8.2-bookworm', 'Tag.'),
    password: z
      .string()
      .regex(/^[A-Za-z0-9._~-]{0,128}$/)
      .default('')
      .describe('Password of both its users. Empty: generated at the first install and kept.'),
    maxMemory: z
      .string()
      .regex(/^\d{1,6}(kb|mb|gb)$/)
      .default('256mb')
      .describe('Memory limit: beyond it Redis refuses events.'),
    resources: resources('50m', '64Mi', '384Mi'),
    ...placement,
  }),
});
