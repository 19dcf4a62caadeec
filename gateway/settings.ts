import { fileURLToPath } from 'node:url';
import type { GatewayVariable } from '../protocol/pod-variables.ts';
import { GUARD_SETTINGS } from '../runtime/net/guard-settings.ts';
import { COMMON_SETTINGS } from '../runtime/settings/common-settings.ts';
import { decimal, file, folder, host, integer, pattern, port, toggle } from '../runtime/settings/kinds.ts';
import { setting, type Setting, type SettingsTable } from '../runtime/settings/setting.ts';
import { REDIS_SETTINGS } from '../runtime/redis/redis-settings.ts';

/** The example that is served when nothing is configured. */
export const QUICKSTART = fileURLToPath(new URL('quickstart/', import.meta.url));

const MEBIBYTE = 1024 * 1024;
const MOST_CALLS = 10_000;
const logBytes = integer(
  '<bytes>',
  'bytes from 1048576 (1 MiB) to 68719476736 (64 GiB)',
  MEBIBYTE,
  64 * 1024 * MEBIBYTE,
);

/** The settings of a gateway. `firehose doctor` takes the same. */
export const GATEWAY_SETTINGS = {
  FIREHOSE_CONFIG: setting(folder, {
    flag: 'config',
    fallback: QUICKSTART,
    shown: 'the quickstart',
    about: 'folder with `subscription.yaml` and `directory.yaml`',
  }),
  FIREHOSE_EXAMPLE_DIRECTORY: setting(toggle, {
    flag: 'example-directory',
    fallback: 'false',
    about: 'serve the quickstart with a Redis, too: its users and passwords are public',
  }),
  FIREHOSE_STATE: setting(folder, {
    flag: 'state',
    fallback: '.firehose',
    about: 'folder for certificates, keys and tokens that the gateway makes',
  }),
  FIREHOSE_HOST: setting(host, {
    flag: 'host',
    fallback: '*',
    about: 'address of the public listener; `*`: all, of IPv4 alone where the machine has no IPv6',
  }),
  FIREHOSE_PORT: setting(port, { flag: 'port', fallback: '9443', about: 'port of the public listener' }),
  FIREHOSE_INNER_HOST: setting(host, {
    flag: 'inner-host',
    fallback: '127.0.0.1',
    about: 'address of health, metrics, ingest and administration',
  }),
  FIREHOSE_INNER_PORT: setting(port, {
    flag: 'inner-port',
    fallback: '9090',
    about: 'port of health, metrics, ingest and administration',
  }),
  ...REDIS_SETTINGS,
  ...GUARD_SETTINGS,
  FIREHOSE_SIGNING_KEYS_FILE: setting(file, {
    shown: 'in the state folder',
    about: 'signing keys that another process rotates; changes are followed',
  }),
  FIREHOSE_PSEUDONYM_KEYS_FILE: setting(file, {
    shown: 'the key of the log',
    about: 'keys of pseudonyms, see `spec.privacy.pseudonymKeySecretRef`; changes are followed',
  }),
  FIREHOSE_TLS_FOLDER: setting(folder, {
    shown: 'in the state folder',
    about: '`tls.crt` and `tls.key` that another process renews; changes are followed',
  }),
  FIREHOSE_INGEST_TOKEN_FILE: setting(file, {
    shown: 'in the state folder',
    about: 'file with the ingest token; `none`: no ingest endpoint',
  }),
  FIREHOSE_ADMIN_TOKEN_FILE: setting(file, {
    shown: 'in the state folder',
    about: "file with the administrators' token, the same for all replicas",
  }),
  FIREHOSE_DIRECTORY_TOKEN_FILE: setting(file, {
    about: 'file with the bearer token for the server of `spec.auth.directory.http`; changes are followed',
  }),
  FIREHOSE_DIRECTORY_CA_FILE: setting(file, {
    shown: "the system's",
    about: 'authorities that the certificate of that server may be of, PEM; changes are followed',
  }),
  FIREHOSE_KAZOO_CA_FILE: setting(file, {
    shown: "the system's",
    about: 'authorities that the certificate of `spec.auth.kazoo` may be of, PEM; changes are followed',
  }),
  FIREHOSE_OIDC_CA_FILE: setting(file, {
    shown: "the system's",
    about: 'authorities that the certificate of `spec.auth.oidc` may be of, PEM; changes are followed',
  }),
  FIREHOSE_REVISION: setting(pattern('<name>', /^.{1,63}$/, 'a name of 1 to 63 characters'), {
    about:
      'name of the roll-out: replicas of one revision that are replaced drain together, so that a client moves once',
  }),
  FIREHOSE_SIMULATOR_RATE: setting(decimal('<calls>', `calls a second, from 0 to ${MOST_CALLS}`, MOST_CALLS), {
    flag: 'simulator-rate',
    shown: '2; 0 with Redis',
    about: 'simulated calls a second',
  }),
  FIREHOSE_LOG_BYTES: setting(logBytes, {
    flag: 'log-bytes',
    fallback: String(64 * MEBIBYTE),
    about: 'size of the embedded event log',
  }),
  ...COMMON_SETTINGS,
} as const satisfies SettingsTable & Record<GatewayVariable, Setting>;
