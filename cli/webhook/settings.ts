import { file, host, port, secret } from '../../runtime/settings/kinds.ts';
import { setting, type SettingsTable } from '../../runtime/settings/setting.ts';

/** Address of `firehose webhook listen`, and the secrets with which it verifies. */
export const LISTEN_SETTINGS = {
  FIREHOSE_WEBHOOK_HOST: setting(host, { flag: 'host', fallback: 'localhost', about: 'address to listen on' }),
  FIREHOSE_WEBHOOK_PORT: setting(port, { flag: 'port', fallback: '8080', about: 'port to listen on' }),
  FIREHOSE_WEBHOOK_SECRET_FILE: setting(file, { flag: 'secret-file', about: 'file with the signing secret' }),
  FIREHOSE_WEBHOOK_SECRET: setting(secret, { about: 'the signing secret, `whsec_` and base64, without a file' }),
} as const satisfies SettingsTable;
