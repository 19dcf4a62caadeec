import { GUARD_SETTINGS } from '../runtime/net/guard-settings.ts';
import { REDIS_SETTINGS } from '../runtime/redis/redis-settings.ts';
import { COMMON_SETTINGS } from '../runtime/settings/common-settings.ts';
import { file, host, port } from '../runtime/settings/kinds.ts';
import { setting, type SettingsTable } from '../runtime/settings/setting.ts';

/** The settings of a source. */
export const SOURCE_SETTINGS = {
  FIREHOSE_SOURCE_FILE: setting(file, {
    flag: 'file',
    required: 'the file that says where and what, see source/README.md',
    about: '`source.yaml`: the streams to write to, and what happens in them',
  }),
  ...REDIS_SETTINGS,
  ...GUARD_SETTINGS,
  FIREHOSE_INNER_HOST: setting(host, {
    flag: 'inner-host',
    fallback: '127.0.0.1',
    about: 'address of health and metrics',
  }),
  FIREHOSE_INNER_PORT: setting(port, { flag: 'inner-port', fallback: '9090', about: 'port of health and metrics' }),
  ...COMMON_SETTINGS,
} as const satisfies SettingsTable;
