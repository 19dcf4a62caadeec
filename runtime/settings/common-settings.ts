import type { Environment } from '../lifecycle/environment.ts';
import { oneOf } from './kinds.ts';
import { readSettings } from './read-settings.ts';
import { setting, type SettingsTable } from './setting.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** Settings of every process. */
export const COMMON_SETTINGS = {
  LOG_LEVEL: setting(oneOf('<level>', LOG_LEVELS), {
    flag: 'log-level',
    fallback: 'info',
    about: `lowest level that is logged: ${LOG_LEVELS.join(', ')}`,
  }),
} as const satisfies SettingsTable;

/** The log level before the settings are read: a faulty level is reported with the settings, and is `info` here. */
export function logLevelOf(environment: Environment): string {
  return readSettings(COMMON_SETTINGS, environment).values.LOG_LEVEL;
}
