import { COMMON_SETTINGS } from '../../../../runtime/settings/common-settings.ts';
import { file, folder, host, integer, list, port } from '../../../../runtime/settings/kinds.ts';
import { setting, type SettingsTable } from '../../../../runtime/settings/setting.ts';

/** The settings of `firehose directory sql`. */
export const DIRECTORY_SQL_SETTINGS = {
  FIREHOSE_DATABASE_URL_FILE: setting(file, {
    required: 'a file with the URL of the database',
    about: 'file with the URL: `postgres://user:password@host:5432/name` or `mysql://...`',
  }),
  FIREHOSE_DATABASE_CA_FILE: setting(file, {
    about: "authorities that the database's certificate may be of, PEM: TLS is required then",
  }),
  FIREHOSE_DIRECTORY_QUERIES: setting(file, {
    flag: 'queries',
    required: 'a file with the queries, see docs/directory.md',
    about: 'file with the queries `accounts` and `users`, YAML',
  }),
  FIREHOSE_DIRECTORY_TOKEN_FILE: setting(file, {
    required: 'a file with the token that gateways present',
    about: 'file with the bearer token that gateways present',
  }),
  FIREHOSE_DIRECTORY_INTERVAL: setting(integer('<seconds>', 'seconds from 1 to 3600', 1, 3_600), {
    flag: 'interval',
    fallback: '15',
    about: 'seconds between two readings of the database',
  }),
  FIREHOSE_DIRECTORY_PUSH: setting(list('<urls>', 'addresses with commas between them', /^https?:\/\/\S+$/), {
    flag: 'push',
    about:
      'addresses of `/ws/v1/firehose/directory/refresh` of gateways, which are asked to ask again after each change',
  }),
  FIREHOSE_DIRECTORY_TLS_FOLDER: setting(folder, {
    about: '`tls.crt` and `tls.key` of this server; without it HTTP is served, for a trusted network alone',
  }),
  FIREHOSE_DIRECTORY_HOST: setting(host, { flag: 'host', fallback: '127.0.0.1', about: 'address of the server' }),
  FIREHOSE_DIRECTORY_PORT: setting(port, { flag: 'port', fallback: '8480', about: 'port of the server' }),
  ...COMMON_SETTINGS,
} as const satisfies SettingsTable;
