/** How a pod reaches its Redis. */
const REDIS_VARIABLES = [
  'REDIS_URL',
  'REDIS_SENTINEL_USERNAME',
  'REDIS_SENTINEL_PASSWORD',
  'REDIS_CA_FILE',
  'REDIS_CERT_FILE',
  'REDIS_KEY_FILE',
] as const;
export type RedisVariable = (typeof REDIS_VARIABLES)[number];

/**
 * Variables that the operator sets in a gateway's container. `operator/resources/container.ts` writes no other names,
 * and `gateway/settings.ts` has a setting for each: a name that only one of the two has fails `npm run check`.
 */
const GATEWAY_VARIABLES = [
  'FIREHOSE_CONFIG',
  'FIREHOSE_STATE',
  'FIREHOSE_SIGNING_KEYS_FILE',
  'FIREHOSE_PSEUDONYM_KEYS_FILE',
  'FIREHOSE_TLS_FOLDER',
  'FIREHOSE_INGEST_TOKEN_FILE',
  'FIREHOSE_ADMIN_TOKEN_FILE',
  'FIREHOSE_DIRECTORY_TOKEN_FILE',
  'FIREHOSE_DIRECTORY_CA_FILE',
  'FIREHOSE_KAZOO_CA_FILE',
  'FIREHOSE_OIDC_CA_FILE',
  'FIREHOSE_INNER_HOST',
  'FIREHOSE_REVISION',
  'FIREHOSE_ADDRESS_GUARD',
  'LOG_LEVEL',
  ...REDIS_VARIABLES,
] as const;
export type GatewayVariable = (typeof GATEWAY_VARIABLES)[number];

/** The same for a source's container: `operator/sources/container.ts` and `source/settings.ts`. */
const SOURCE_VARIABLES = [
  'FIREHOSE_SOURCE_FILE',
  'FIREHOSE_SOURCE_SECRETS',
  'FIREHOSE_SOURCE_DIRECTORY',
  'FIREHOSE_TLS_FOLDER',
  'FIREHOSE_INNER_HOST',
  'FIREHOSE_ADDRESS_GUARD',
  'LOG_LEVEL',
  ...REDIS_VARIABLES,
] as const;
export type SourceVariable = (typeof SOURCE_VARIABLES)[number];
