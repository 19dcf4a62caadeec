import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { z } from 'zod';
import type { Subscription } from '../protocol/subscription.ts';
import { faultsOf } from '../runtime/files/parse-yaml.ts';
import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';
import { LOG_LEVELS, type Environment } from '../runtime/lifecycle/environment.ts';
import { parseSubscription, type ParsedSubscription } from './subscription/parse-subscription.ts';
import type { RedisConnection } from '../runtime/redis/connection.ts';
import { readRedis } from '../runtime/redis/read-redis.ts';

/** The settings of one gateway process: what the environment says, and the subscription it serves. */
export interface GatewayConfig {
  readonly subscription: Subscription;
  /** Nothing was configured: the example account and user of the quickstart are served. */
  readonly isQuickstart: boolean;
  readonly directoryFile: string;
  readonly stateFolder: string;
  /** Beside the directory; its scope is followed. */
  readonly subscriptionFile: string;
  /** Signing keys that somebody else rotates; null: kept in the state folder. */
  readonly signingKeysFile: string | null;
  /** With `tls.crt` and `tls.key` that somebody else renews; null: made here and kept in the state folder. */
  readonly tlsFolder: string | null;
  /** Holds the ingest token; null: made here and kept in the state folder; `none`: there is no ingest endpoint. */
  readonly ingestTokenFile: string | null;
  /** Holds the administrators' token, the same for all replicas; null: made here and kept in the state folder. */
  readonly adminTokenFile: string | null;
  /** Of the roll-out that this replica came with; null: there is none that it would know. */
  readonly revision: string | null;
  /** Null: events are kept in memory. */
  readonly redis: RedisConnection | null;
  readonly host: string;
  readonly port: number;
  readonly innerHost: string;
  readonly innerPort: number;
  /** Calls a second; 0 is off. */
  readonly simulatorRate: number;
  readonly logBytes: number;
}

/** Where the example lies that is served when nothing is configured. */
export const QUICKSTART = fileURLToPath(new URL('quickstart/', import.meta.url));
const MEBIBYTE = 1024 * 1024;

/** A whole number in plain digits: neither a blank nor `0x10` nor `1e3` is one. */
const integer = (what: string, least: number, most: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, what)
    .transform(Number)
    .pipe(z.number().min(least, what).max(most, what));
const port = () => integer('a port from 0 (any free one) to 65535', 0, 65_535);
const MOST_CALLS = 10_000;

const settings = z.object({
  FIREHOSE_CONFIG: z.string().min(1).default(QUICKSTART),
  FIREHOSE_STATE: z.string().min(1).default('.firehose'),
  FIREHOSE_SIGNING_KEYS_FILE: z.string().min(1).optional(),
  FIREHOSE_TLS_FOLDER: z.string().min(1).optional(),
  FIREHOSE_INGEST_TOKEN_FILE: z.string().min(1).optional(),
  FIREHOSE_ADMIN_TOKEN_FILE: z.string().min(1).optional(),
  FIREHOSE_REVISION: z.string().min(1).max(63).optional(),
  REDIS_URL: z.string().optional(),
  REDIS_CA_FILE: z.string().optional(),
  REDIS_CERT_FILE: z.string().optional(),
  REDIS_KEY_FILE: z.string().optional(),
  REDIS_SENTINEL_USERNAME: z.string().optional(),
  REDIS_SENTINEL_PASSWORD: z.string().optional(),
  FIREHOSE_HOST: z.string().min(1).default('::'),
  FIREHOSE_PORT: port().default(9443),
  FIREHOSE_INNER_HOST: z.string().min(1).default('127.0.0.1'),
  FIREHOSE_INNER_PORT: port().default(9090),
  FIREHOSE_SIMULATOR_RATE: z
    .string()
    .regex(/^\d{1,5}(\.\d+)?$/, `calls a second, from 0 to ${MOST_CALLS}`)
    .transform(Number)
    .pipe(z.number().max(MOST_CALLS, `calls a second, from 0 to ${MOST_CALLS}`))
    .optional(),
  FIREHOSE_LOG_BYTES: integer(
    'bytes from 1048576 (1 MiB) to 68719476736 (64 GiB)',
    MEBIBYTE,
    64 * 1024 * MEBIBYTE,
  ).default(64 * MEBIBYTE),
  LOG_LEVEL: z.enum(LOG_LEVELS, { error: `one of ${LOG_LEVELS.join(', ')}` }).default('info'),
});

/** Reads everything a gateway needs to start; throws one ConfigurationFault that lists every fault. */
export async function readConfig(environment: Environment): Promise<GatewayConfig> {
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
  const parsed = settings.safeParse(given);
  const folder = parsed.data?.FIREHOSE_CONFIG ?? given['FIREHOSE_CONFIG'] ?? QUICKSTART;
  const subscription = await readSubscription(join(folder, 'subscription.yaml'));
  const redis = await readRedis(given, subscription.value?.spec.redis ?? null);
  const faults = [
    ...(parsed.success ? [] : faultsOf(parsed.error, 'environment')),
    ...redis.faults.map((fault) => `environment: ${fault}`),
    ...subscription.faults,
  ];
  if (!parsed.success || subscription.value === null || faults.length > 0) throw new ConfigurationFault(faults);
  const { data } = parsed;
  return {
    subscription: subscription.value,
    isQuickstart: folder === QUICKSTART,
    directoryFile: join(folder, 'directory.yaml'),
    subscriptionFile: join(folder, 'subscription.yaml'),
    signingKeysFile: data.FIREHOSE_SIGNING_KEYS_FILE ?? null,
    tlsFolder: data.FIREHOSE_TLS_FOLDER ?? null,
    ingestTokenFile: data.FIREHOSE_INGEST_TOKEN_FILE ?? null,
    adminTokenFile: data.FIREHOSE_ADMIN_TOKEN_FILE ?? null,
    stateFolder: data.FIREHOSE_STATE,
    revision: data.FIREHOSE_REVISION ?? null,
    redis: redis.connection,
    host: data.FIREHOSE_HOST,
    port: data.FIREHOSE_PORT,
    innerHost: data.FIREHOSE_INNER_HOST,
    innerPort: data.FIREHOSE_INNER_PORT,
    // With Redis the platform has its own producers.
    simulatorRate: data.FIREHOSE_SIMULATOR_RATE ?? (data.REDIS_URL === undefined ? 2 : 0),
    logBytes: data.FIREHOSE_LOG_BYTES,
  };
}

async function readSubscription(file: string): Promise<ParsedSubscription> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    return { value: null, faults: [`${file}: cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`] };
  }
  return parseSubscription(text, file);
}
