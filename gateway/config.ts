import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Subscription } from '../protocol/subscription.ts';
import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { parseSubscription, type ParsedSubscription } from './subscription/parse-subscription.ts';
import type { RedisConnection } from '../runtime/redis/connection.ts';
import { redisPolicyOf } from '../runtime/net/guard-settings.ts';
import { readRedis } from '../runtime/redis/read-redis.ts';
import { readSettings } from '../runtime/settings/read-settings.ts';
import { GATEWAY_SETTINGS, QUICKSTART } from './settings.ts';

/**
 * The settings of one gateway process: its environment, and the subscription that it serves. More than eight members:
 * it mirrors the table in settings.ts, one member for each setting; only the opening functions take it whole.
 */
export interface GatewayConfig {
  readonly subscription: Subscription;
  /** Nothing was configured: the example account and user of the quickstart are served. */
  readonly isQuickstart: boolean;
  readonly directoryFile: string;
  readonly stateFolder: string;
  /** Beside the directory; its scope is followed. */
  readonly subscriptionFile: string;
  /** Signing keys that another process rotates; null: kept in the state folder. */
  readonly signingKeysFile: string | null;
  /** With `tls.crt` and `tls.key` that another process renews; null: made here and kept in the state folder. */
  readonly tlsFolder: string | null;
  /** Holds the ingest token; null: made here and kept in the state folder; `none`: there is no ingest endpoint. */
  readonly ingestTokenFile: string | null;
  /** Holds the administrators' token, the same for all replicas; null: made here and kept in the state folder. */
  readonly adminTokenFile: string | null;
  /** Revision of the roll-out of this replica; null when it is unknown. */
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

const EXPOSED =
  'environment: FIREHOSE_CONFIG: the example directory is refused with a Redis, because its passwords are public: ' +
  'name a folder with your own directory.yaml and subscription.yaml (--config), or give --example-directory for a first try';

/** Reads everything a gateway needs to start; throws one ConfigurationFault that lists every fault. */
export async function readConfig(environment: Environment): Promise<GatewayConfig> {
  const { values, faults: ownFaults } = readSettings(GATEWAY_SETTINGS, environment);
  const folder = values.FIREHOSE_CONFIG;
  const subscription = await readSubscription(join(folder, 'subscription.yaml'));
  const redis = await readRedis(
    values,
    subscription.value?.spec.redis ?? null,
    redisPolicyOf(values.FIREHOSE_ADDRESS_GUARD),
  );
  const isQuickstart = resolve(folder) === resolve(QUICKSTART);
  const isExposed = isQuickstart && redis.connection !== null && !values.FIREHOSE_EXAMPLE_DIRECTORY;
  const faults = [
    ...ownFaults,
    ...redis.faults.map((fault) => `environment: ${fault}`),
    ...subscription.faults,
    ...(isExposed ? [EXPOSED] : []),
  ];
  if (subscription.value === null || faults.length > 0) throw new ConfigurationFault(faults);
  return {
    subscription: subscription.value,
    isQuickstart,
    directoryFile: join(folder, 'directory.yaml'),
    subscriptionFile: join(folder, 'subscription.yaml'),
    signingKeysFile: values.FIREHOSE_SIGNING_KEYS_FILE,
    tlsFolder: values.FIREHOSE_TLS_FOLDER,
    ingestTokenFile: values.FIREHOSE_INGEST_TOKEN_FILE,
    adminTokenFile: values.FIREHOSE_ADMIN_TOKEN_FILE,
    stateFolder: values.FIREHOSE_STATE,
    revision: values.FIREHOSE_REVISION,
    redis: redis.connection,
    host: values.FIREHOSE_HOST,
    port: values.FIREHOSE_PORT,
    innerHost: values.FIREHOSE_INNER_HOST,
    innerPort: values.FIREHOSE_INNER_PORT,
    // With Redis the platform has its own producers.
    simulatorRate: values.FIREHOSE_SIMULATOR_RATE ?? (redis.connection === null ? 2 : 0),
    logBytes: values.FIREHOSE_LOG_BYTES,
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
