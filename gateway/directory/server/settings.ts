import { COMMON_SETTINGS } from '../../../runtime/settings/common-settings.ts';
import { file, folder, host, list, port } from '../../../runtime/settings/kinds.ts';
import { setting, type SettingsTable } from '../../../runtime/settings/setting.ts';

/** The settings that all directory servers share. */
export const DIRECTORY_SERVER_SETTINGS = {
  FIREHOSE_DIRECTORY_TOKEN_FILE: setting(file, {
    required: 'a file with the token that gateways present',
    about: 'file with the bearer token that gateways present',
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
  FIREHOSE_INNER_HOST: setting(host, {
    flag: 'inner-host',
    fallback: '127.0.0.1',
    about: 'address of health and metrics',
  }),
  FIREHOSE_INNER_PORT: setting(port, { flag: 'inner-port', fallback: '9090', about: 'port of health and metrics' }),
  ...COMMON_SETTINGS,
} as const satisfies SettingsTable;
