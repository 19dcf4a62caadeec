import { join, resolve } from 'node:path';
import { durationMs, type Subscription } from '../protocol/subscription.ts';
import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { readCredentials, type HttpDirectoryConfig } from './directory/http/configuration.ts';
import type { LoginServers } from './auth/upstream/build-methods.ts';
import { DirectoryFault } from './directory/fault.ts';
import { parseSubscription, type ParsedSubscription } from './subscription/parse-subscription.ts';
import type { RedisConnection } from '../runtime/redis/connection.ts';
import { redisPolicyOf, type AddressGuard } from '../runtime/net/guard-settings.ts';
import { readRedis } from '../runtime/redis/read-redis.ts';
import { readSettings } from '../runtime/settings/read-settings.ts';
import type { ValuesOf } from '../runtime/settings/setting.ts';
import { GATEWAY_SETTINGS, QUICKSTART } from './settings.ts';
import { readText, unreadable } from '../runtime/files/text-file.ts';

/**
 * The settings of one gateway process: its environment, and the subscription that it serves. More than eight members:
 * one for each setting of settings.ts; only the opening functions take it whole.
 */
export interface GatewayConfig {
  readonly subscription: Subscription;
  /** Nothing was configured: the example account and user of the quickstart are served. */
  readonly isQuickstart: boolean;
  readonly directoryFile: string;
  /** The directory server that replaces the file; null: the directory is the file. */
  readonly directoryServer: HttpDirectoryConfig | null;
  /** Servers that judge logins. */
  readonly loginServers: LoginServers;
  readonly stateFolder: string;
  /** Besides the directory; its scope is followed. */
  readonly subscriptionFile: string;
  /** Signing keys that another process rotates; null: kept in the state folder. */
  readonly signingKeysFile: string | null;
  /** Keys of pseudonyms that the platform rotates; null: the key of the log. */
  readonly pseudonymKeysFile: string | null;
  /** Folder with `tls.crt` and `tls.key` that another process renews; null: created and kept in the state folder. */
  readonly tlsFolder: string | null;
  /** File of the ingest token; null: created and kept in the state folder; `none`: there is no ingest endpoint. */
  readonly ingestTokenFile: string | null;
  /** File of the administrators' token, the same for all replicas; null: created and kept in the state folder. */
  readonly adminTokenFile: string | null;
  /** Revision of the roll-out of this replica; null when unknown. */
  readonly revision: string | null;
  /** Null: events are kept in memory. */
  readonly redis: RedisConnection | null;
  readonly host: string;
  readonly port: number;
  readonly innerHost: string;
  readonly innerPort: number;
  /** The guard that checks tenants' addresses. */
  readonly addressGuard: AddressGuard;
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
    ...(await directoryFaults(subscription.value, values)),
    ...(isExposed ? [EXPOSED] : []),
    ...(redis.connection === null ? sendersWithoutRedis(subscription.value) : []),
  ];
  if (subscription.value === null || faults.length > 0) throw new ConfigurationFault(faults);
  return {
    subscription: subscription.value,
    isQuickstart,
    directoryFile: join(folder, 'directory.yaml'),
    directoryServer: directoryServer(subscription.value, values),
    loginServers: loginServers(subscription.value, values),
    subscriptionFile: join(folder, 'subscription.yaml'),
    signingKeysFile: values.FIREHOSE_SIGNING_KEYS_FILE,
    pseudonymKeysFile: values.FIREHOSE_PSEUDONYM_KEYS_FILE,
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
    addressGuard: values.FIREHOSE_ADDRESS_GUARD,
    // With Redis the platform has its own producers.
    simulatorRate: values.FIREHOSE_SIMULATOR_RATE ?? (redis.connection === null ? 2 : 0),
    logBytes: values.FIREHOSE_LOG_BYTES,
  };
}

function sendersWithoutRedis(subscription: Subscription | null): readonly string[] {
  if (subscription === null) return [];
  const { consumerGroups, webhooks } = subscription.spec;
  const named = consumerGroups.flatMap(({ name, webhook, nats }) => {
    const field = webhook === undefined ? 'nats' : 'webhook';
    if (webhook === undefined && nats === undefined) return [];
    return [`consumerGroups[${name}].${field}: the position of a group is in Redis: set REDIS_URL`];
  });
  return [
    ...named,
    ...(webhooks.selfService.enabled
      ? ['webhooks.selfService.enabled: the webhooks of logins are in Redis: set REDIS_URL']
      : []),
  ];
}

type Values = Pick<
  Partial<ValuesOf<typeof GATEWAY_SETTINGS>>,
  | 'FIREHOSE_DIRECTORY_TOKEN_FILE'
  | 'FIREHOSE_DIRECTORY_CA_FILE'
  | 'FIREHOSE_KAZOO_CA_FILE'
  | 'FIREHOSE_OIDC_CA_FILE'
  | 'FIREHOSE_ADDRESS_GUARD'
>;

function directoryServer(subscription: Subscription, values: Values): HttpDirectoryConfig | null {
  const server = subscription.spec.auth.directory?.http;
  if (server === undefined) return null;
  return {
    url: new URL(server.url),
    intervalMs: durationMs(server.interval),
    maxShrinkPercent: server.maxShrinkPercent,
    tokenFile: values.FIREHOSE_DIRECTORY_TOKEN_FILE ?? null,
    caFile: values.FIREHOSE_DIRECTORY_CA_FILE ?? null,
    policy: redisPolicyOf(values.FIREHOSE_ADDRESS_GUARD ?? 'off'),
  };
}

function loginServers(subscription: Subscription, values: Values): LoginServers {
  return {
    directory: directoryServer(subscription, values),
    kazooCaFile: values.FIREHOSE_KAZOO_CA_FILE ?? null,
    oidcCaFile: values.FIREHOSE_OIDC_CA_FILE ?? null,
    policy: redisPolicyOf(values.FIREHOSE_ADDRESS_GUARD ?? 'off'),
  };
}

/** Files that are given for a server that is not configured, or that cannot be read. */
async function directoryFaults(subscription: Subscription | null, values: Values): Promise<readonly string[]> {
  const tokenFile = values.FIREHOSE_DIRECTORY_TOKEN_FILE ?? null;
  const caFile = values.FIREHOSE_DIRECTORY_CA_FILE ?? null;
  if (subscription !== null && subscription.spec.auth.directory?.http === undefined) {
    const given = [tokenFile && 'FIREHOSE_DIRECTORY_TOKEN_FILE', caFile && 'FIREHOSE_DIRECTORY_CA_FILE'].filter(
      Boolean,
    );
    return given.length === 0 ? [] : [`${given.join(', ')}: there is no spec.auth.directory.http to use it for`];
  }
  try {
    await readCredentials({ tokenFile, caFile });
    return [];
  } catch (error) {
    if (!(error instanceof DirectoryFault)) throw error;
    return error.faults.map(({ message }) => `FIREHOSE_DIRECTORY_TOKEN_FILE, FIREHOSE_DIRECTORY_CA_FILE: ${message}`);
  }
}

async function readSubscription(file: string): Promise<ParsedSubscription> {
  let text: string;
  try {
    text = await readText(file);
  } catch (error) {
    return { value: null, faults: [`${file}: ${unreadable(error)}`] };
  }
  return parseSubscription(text, file);
}
