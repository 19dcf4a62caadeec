import { file, integer } from '../../../../runtime/settings/kinds.ts';
import { setting, type SettingsTable } from '../../../../runtime/settings/setting.ts';
import { DIRECTORY_SERVER_SETTINGS } from '../settings.ts';

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
  FIREHOSE_DIRECTORY_INTERVAL: setting(integer('<seconds>', 'seconds from 1 to 3600', 1, 3_600), {
    flag: 'interval',
    fallback: '15',
    about: 'seconds between two readings of the database',
  }),
  ...DIRECTORY_SERVER_SETTINGS,
} as const satisfies SettingsTable;
