import type { AccountRule } from '../protocol/source-spec/mapping.ts';
import type { SourceSpec } from '../protocol/source.ts';
import { ConfigurationFault } from '../runtime/lifecycle/configuration-fault.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { collectorPolicyOf, redisPolicyOf, type AddressGuard } from '../runtime/net/guard-settings.ts';
import type { AddressPolicy } from '../runtime/net/address-guard.ts';
import type { RedisConnection } from '../runtime/redis/connection.ts';
import { readRedis } from '../runtime/redis/read-redis.ts';
import { readSettings } from '../runtime/settings/read-settings.ts';
import { readDirectoryRules } from './config/directory-rules.ts';
import { readEndpoints, type Endpoint } from './config/endpoints.ts';
import { parseSource } from './config/source-file.ts';
import { SOURCE_SETTINGS } from './settings.ts';
import { readText, unreadable } from '../runtime/files/text-file.ts';

/** Locations of a source's configuration. */
export interface SourcePlaces {
  readonly file: string;
  /** Name of a source whose file is only a `spec`. */
  readonly bareName: string;
  /** Folder with one folder for each Secret, which has its keys; null when none is given. */
  readonly secretsFolder: string | null;
  readonly directoryFile: string | null;
}

/** What a source follows while it runs. */
export interface FollowedConfig {
  readonly endpoints: readonly Endpoint[];
  /** Rules of the specification, then those of the directory. */
  readonly rules: readonly AccountRule[];
}

/** The content of these locations: the whole specification, and what its references name. */
export interface ReadSource extends FollowedConfig {
  /** `<namespace>/<name>`. */
  readonly name: string;
  readonly spec: SourceSpec;
}

/** The settings of one source process. More than eight members: all settings of the process. */
export interface SourceConfig extends ReadSource {
  readonly places: SourcePlaces;
  readonly redis: RedisConnection;
  /** Folder with `tls.crt` and `tls.key` of the port that Asterisk connects to; null: not needed. */
  readonly tlsFolder: string | null;
  /** Addresses that switches and brokers may have; null: all. */
  readonly addressPolicy: AddressPolicy | null;
  readonly host: string;
  readonly port: number;
}

/** Reads everything at once. Throws one ConfigurationFault that lists every fault. */
export async function readSourceConfig(environment: Environment): Promise<SourceConfig> {
  const { values, faults: ownFaults } = readSettings(SOURCE_SETTINGS, environment);
  // Null where it is missing: a separate fault reports that.
  const path: string | null = values.FIREHOSE_SOURCE_FILE;
  const places: SourcePlaces = {
    file: path ?? '',
    bareName: values.FIREHOSE_SOURCE_NAME,
    secretsFolder: values.FIREHOSE_SOURCE_SECRETS,
    directoryFile: values.FIREHOSE_SOURCE_DIRECTORY,
  };
  const source = path === null ? { value: null, spec: null, faults: [] } : await readSource(places);
  const guard: AddressGuard = values.FIREHOSE_ADDRESS_GUARD;
  const redis = await readRedis(values, source.spec?.redis ?? null, redisPolicyOf(guard));
  const hasRedis = (values.REDIS_URL ?? values.REDIS_URL_FILE) !== null;
  const faults = [
    ...ownFaults,
    ...(hasRedis ? [] : ['environment: REDIS_URL: the Redis that events are written to']),
    ...redis.faults.map((fault) => `environment: ${fault}`),
    ...listenerFaults(source.spec, values.FIREHOSE_TLS_FOLDER),
    ...source.faults,
  ];
  const { value } = source;
  if (value === null || redis.connection === null || faults.length > 0) throw new ConfigurationFault(faults);
  return {
    ...value,
    places,
    redis: redis.connection,
    tlsFolder: values.FIREHOSE_TLS_FOLDER,
    addressPolicy: collectorPolicyOf(guard),
    host: values.FIREHOSE_INNER_HOST,
    port: values.FIREHOSE_INNER_PORT,
  };
}

function listenerFaults(spec: SourceSpec | null, folder: string | null): readonly string[] {
  const listen = spec?.asterisk?.listen;
  if (listen === undefined || listen.tls.disabled || folder !== null) return [];
  return [
    'environment: FIREHOSE_TLS_FOLDER: the folder with tls.crt and tls.key of asterisk.listen, or set asterisk.listen.tls.disabled behind a proxy that ends TLS',
  ];
}

interface ReadOutcome {
  /** Null after any fault. */
  readonly value: ReadSource | null;
  /** Null when the file itself is faulty. */
  readonly spec: SourceSpec | null;
  readonly faults: readonly string[];
}

/** Reads the file, the Secrets that it names, and the directory. */
export async function readSource(places: SourcePlaces): Promise<ReadOutcome> {
  let text: string;
  try {
    text = await readText(places.file);
  } catch (error) {
    return { value: null, spec: null, faults: [`${places.file}: ${unreadable(error)}`] };
  }
  const parsed = parseSource(text, places.file, places.bareName);
  if (parsed.value === null) return { value: null, spec: null, faults: parsed.faults };
  const { name, spec } = parsed.value;
  const { endpoints, faults } = await readEndpoints(spec, places.secretsFolder);
  const directory = await directoryRules(spec, places.directoryFile);
  const all = [...faults, ...directory.faults];
  if (all.length > 0) return { value: null, spec, faults: all };
  return { value: { name, spec, endpoints, rules: [...spec.accounts.rules, ...directory.rules] }, spec, faults: [] };
}

async function directoryRules(spec: SourceSpec, file: string | null) {
  if (!spec.accounts.fromDirectory) return { rules: [], faults: [] };
  if (file !== null) return readDirectoryRules(file);
  const fault = 'environment: FIREHOSE_SOURCE_DIRECTORY: the directory, since accounts.fromDirectory is set';
  return { rules: [], faults: [fault] };
}
