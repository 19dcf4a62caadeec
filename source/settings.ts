import type { SourceVariable } from '../protocol/pod-variables.ts';
import { GUARD_SETTINGS } from '../runtime/net/guard-settings.ts';
import { REDIS_SETTINGS } from '../runtime/redis/redis-settings.ts';
import { COMMON_SETTINGS } from '../runtime/settings/common-settings.ts';
import { file, folder, host, pattern, port } from '../runtime/settings/kinds.ts';
import { setting, type Setting, type SettingsTable } from '../runtime/settings/setting.ts';

/** The settings of a source. */
export const SOURCE_SETTINGS = {
  FIREHOSE_SOURCE_FILE: setting(file, {
    flag: 'config',
    required: 'the file that says where and what, see docs/sources.md',
    about: '`source.yaml`: a FirehoseSource, or its `spec` alone; endpoints and account rules are followed',
  }),
  FIREHOSE_SOURCE_SECRETS: setting(folder, {
    flag: 'secrets',
    about:
      'folder with the Secrets that the file names, as `<name>/<key>`; an endpoint without a reference has `<endpoint>/password` and so on; changes are followed',
  }),
  FIREHOSE_SOURCE_DIRECTORY: setting(file, {
    flag: 'directory',
    about: '`directory.yaml` whose realms choose accounts, with `accounts.fromDirectory`; changes are followed',
  }),
  FIREHOSE_SOURCE_NAME: setting(
    pattern('<namespace/name>', /^[a-z0-9][-a-z0-9.]{0,252}\/[a-z0-9][-a-z0-9.]{0,252}$/, 'a name as default/pbx'),
    {
      flag: 'name',
      fallback: 'default/source',
      about:
        'name of a source whose file is a bare `spec`; its replicas share it, and no other source of the Redis has it',
    },
  ),
  ...REDIS_SETTINGS,
  ...GUARD_SETTINGS,
  FIREHOSE_TLS_FOLDER: setting(folder, {
    flag: 'tls-folder',
    about: '`tls.crt` and `tls.key` of the port that Asterisk connects to (ARIOutbound)',
  }),
  FIREHOSE_INNER_HOST: setting(host, {
    flag: 'inner-host',
    fallback: '127.0.0.1',
    about: 'address of health and metrics',
  }),
  FIREHOSE_INNER_PORT: setting(port, { flag: 'inner-port', fallback: '9090', about: 'port of health and metrics' }),
  ...COMMON_SETTINGS,
} as const satisfies SettingsTable & Record<SourceVariable, Setting>;
