import { file, folder, integer, pattern, text } from '../../../../runtime/settings/kinds.ts';
import { setting, type SettingsTable } from '../../../../runtime/settings/setting.ts';
import { DIRECTORY_SERVER_SETTINGS } from '../settings.ts';
import { ACCOUNT_ID } from '../../../../protocol/subscription/filters.ts';

/** The settings of `firehose directory kazoo`. */
export const DIRECTORY_KAZOO_SETTINGS = {
  FIREHOSE_KAZOO_URL: setting(
    pattern('<url>', /^https?:\/\/[^\s/@?#]+[^\s@?#]*$/, 'an address as https://kazoo:8443'),
    {
      flag: 'kazoo',
      required: "the address of Kazoo's API, without /v2",
      about: "address of Kazoo's API (crossbar), without `/v2`",
    },
  ),
  FIREHOSE_KAZOO_API_KEY_FILE: setting(file, {
    required: 'a file with the API key of an account',
    about: 'file with the API key of the account whose tree is served; changes are followed',
  }),
  FIREHOSE_KAZOO_CA_FILE: setting(file, {
    about: "authorities that the API's certificate may be of, PEM; changes are followed",
  }),
  FIREHOSE_KAZOO_ACCOUNT: setting(pattern('<id>', ACCOUNT_ID, 'an id of 1 to 64 of A-Z a-z 0-9 _ -'), {
    flag: 'account',
    shown: "the API key's",
    about: 'id of the account that is the root of the tree',
  }),
  FIREHOSE_AMQP_URL_FILE: setting(file, {
    about:
      "file with the URL of Kazoo's broker, `amqps://user:password@host:5671`: changes are in force as they happen then",
  }),
  FIREHOSE_AMQP_CA_FILE: setting(file, { about: "authorities that the broker's certificate may be of, PEM" }),
  FIREHOSE_AMQP_TLS_FOLDER: setting(folder, { about: '`tls.crt` and `tls.key` that are presented to the broker' }),
  FIREHOSE_AMQP_EXCHANGE: setting(text('<name>'), {
    fallback: 'configuration',
    about: "exchange of Kazoo's changes of documents",
  }),
  FIREHOSE_DIRECTORY_INTERVAL: setting(integer('<seconds>', 'seconds from 10 to 86400', 10, 86_400), {
    flag: 'interval',
    shown: '60, and 600 while the broker tells changes',
    about: 'seconds between two walks through the whole tree',
  }),
  ...DIRECTORY_SERVER_SETTINGS,
} as const satisfies SettingsTable;
