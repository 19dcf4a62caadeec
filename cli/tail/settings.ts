import { list, pattern, secret, text, file } from '../../runtime/settings/kinds.ts';
import { setting, type SettingsTable } from '../../runtime/settings/setting.ts';
import { ACCOUNT_ID } from '../../protocol/subscription/filters.ts';

const origin = pattern(
  '<origin>',
  /^https?:\/\/[^/?#@\s]+\/?$/,
  'as https://host:9443, without a path; a user and a password have settings of their own',
);

/** Address of the gateway, and the login. */
export const CLIENT_SETTINGS = {
  FIREHOSE_URL: setting(origin, {
    flag: 'url',
    fallback: 'https://localhost:9443',
    about: 'public address of the gateway',
  }),
  FIREHOSE_USERNAME: setting(text('<name>'), { flag: 'user', about: 'who logs in' }),
  FIREHOSE_DOMAIN: setting(text('<name>'), { flag: 'domain', about: "name or realm of the user's account" }),
  FIREHOSE_ACCOUNTS: setting(list('<ids>', 'account ids with commas', ACCOUNT_ID), {
    flag: 'accounts',
    about: 'only these accounts, with commas',
    shown: 'all of the login',
  }),
  FIREHOSE_PRIVACY: setting(text('<profile>'), {
    flag: 'privacy',
    about: 'a privacy profile of the resource, as strict as what the login may see or stricter',
    shown: 'that of the login',
  }),
  FIREHOSE_CA: setting(file, {
    flag: 'ca',
    about: "authority of the gateway's certificate, as PEM",
    shown: 'those of the system',
  }),
  FIREHOSE_PASSWORD: setting(secret, { about: 'password of the user; at a terminal the command prompts for it' }),
  FIREHOSE_TOKEN: setting(secret, { about: 'a token of the gateway, instead of a login' }),
} as const satisfies SettingsTable;
