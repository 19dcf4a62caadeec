import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { durationMs } from '../protocol/subscription.ts';
import { redis } from '../protocol/subscription/redis.ts';
import { duration } from '../protocol/subscription/rules.ts';
import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';
import type { RedisConnection } from '../runtime/redis/connection.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { redisPolicyOf } from '../runtime/net/guard-settings.ts';
import { readRedis } from '../runtime/redis/read-redis.ts';
import { parseYaml } from '../runtime/files/parse-yaml.ts';
import { readSettings } from '../runtime/settings/read-settings.ts';
import { SOURCE_SETTINGS } from './settings.ts';

const account = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'an account id: 1 to 64 of A-Z a-z 0-9 _ -'),
  name: z.string().min(1).max(253),
  realm: z.string().min(1).max(253),
});

const REFERENCES =
  'secrets are given by REDIS_URL or REDIS_URL_FILE, REDIS_CA_FILE, REDIS_CERT_FILE and REDIS_KEY_FILE';

/** `source.yaml`: where the streams are, with the field names of a FirehoseSubscription, and what happens in them. */
const fileSchema = z.strictObject({
  redis: redis
    .refine(
      ({ urlSecretRef, tls }) => (urlSecretRef ?? tls.caSecretRef ?? tls.clientCertSecretName) === undefined,
      REFERENCES,
    )
    .prefault({}),
  stream: z
    .strictObject({
      partitions: z.int().min(1).max(64).default(4),
      waitReplicas: z.int().min(0).max(16).default(0),
      /** Counts while no resource uses the streams: then nobody else trims them. */
      retention: z
        .strictObject({
          maxLength: z.int().min(1).max(1_000_000_000).default(50_000),
          maxAge: duration('1m', '8760h').default('1h'),
        })
        .prefault({}),
    })
    .prefault({}),
  simulator: z.strictObject({
    seed: z.string().min(1).max(253).default('firehose'),
    callsPerSecond: z.number().gt(0).max(100).default(2),
    accounts: z
      .array(account)
      .min(1)
      .max(10_000)
      .refine((accounts) => new Set(accounts.map(({ id }) => id)).size === accounts.length, 'no id twice'),
  }),
});

/** The settings of one source process. */
export interface SourceConfig {
  readonly redis: RedisConnection;
  readonly keyPrefix: string;
  readonly partitions: number;
  readonly waitReplicas: number;
  readonly retention: { readonly maxLength: number; readonly maxAgeMs: number };
  readonly simulator: z.output<typeof fileSchema>['simulator'];
  readonly host: string;
  readonly port: number;
}

/** Reads everything at once; throws one ConfigurationFault that lists every fault. */
export async function readSourceConfig(environment: Environment): Promise<SourceConfig> {
  const { values, faults: ownFaults } = readSettings(SOURCE_SETTINGS, environment);
  // Null where it is missing: that is reported as a separate fault.
  const path: string | null = values.FIREHOSE_SOURCE_FILE;
  const file = path === null ? { value: null, faults: [] } : await readSourceFile(path);
  const redis = await readRedis(values, file.value?.redis ?? null, redisPolicyOf(values.FIREHOSE_ADDRESS_GUARD));
  const hasRedis = (values.REDIS_URL ?? values.REDIS_URL_FILE) !== null;
  const faults = [
    ...ownFaults,
    ...(hasRedis ? [] : ['environment: REDIS_URL: the Redis that events are written to']),
    ...redis.faults.map((fault) => `environment: ${fault}`),
    ...file.faults,
  ];
  const { value } = file;
  if (value === null || redis.connection === null || faults.length > 0) {
    throw new ConfigurationFault(faults);
  }
  const { partitions, waitReplicas, retention } = value.stream;
  return {
    redis: redis.connection,
    keyPrefix: value.redis.keyPrefix,
    partitions,
    waitReplicas,
    retention: { maxLength: retention.maxLength, maxAgeMs: durationMs(retention.maxAge) },
    simulator: value.simulator,
    host: values.FIREHOSE_INNER_HOST,
    port: values.FIREHOSE_INNER_PORT,
  };
}

type SourceFile = z.output<typeof fileSchema>;

async function readSourceFile(path: string): Promise<{ value: SourceFile | null; faults: readonly string[] }> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    return { value: null, faults: [`${path}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`] };
  }
  return parseYaml(text, path, fileSchema);
}
