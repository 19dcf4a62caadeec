import { oneOf } from './kinds.ts';
import { setting, type SettingsTable } from './setting.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What every process has. */
export const COMMON_SETTINGS = {
  LOG_LEVEL: setting(oneOf('<level>', LOG_LEVELS), {
    flag: 'log-level',
    fallback: 'info',
    about: `least level that is logged: ${LOG_LEVELS.join(', ')}`,
  }),
} as const satisfies SettingsTable;
