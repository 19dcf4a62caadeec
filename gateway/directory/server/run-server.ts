import { aborted } from '../../../runtime/lifecycle/aborted.ts';
import type { Environment } from '../../../runtime/lifecycle/environment.ts';
import { runUntilSignal } from '../../../runtime/lifecycle/run-until-signal.ts';
import { createLogger, type Logger } from '../../../runtime/logging/logger.ts';
import { logLevelOf } from '../../../runtime/settings/common-settings.ts';
import type { SettingsTable } from '../../../runtime/settings/setting.ts';
import type { DirectoryServer } from './serve-directory.ts';

/** env -> config -> serve until a signal. Returns the exit code. */
export async function runDirectoryServer(
  settings: SettingsTable,
  environment: Environment,
  start: (environment: Environment, logger: Logger) => Promise<DirectoryServer>,
): Promise<number> {
  const logger = createLogger({ level: logLevelOf(environment), pretty: process.stdout.isTTY });
  return runUntilSignal({
    logger,
    settings,
    environment,
    run: async (signals) => {
      await using server = await start(environment, logger);
      logger.info({ port: server.port, inner_port: server.innerPort }, 'the directory server runs');
      await Promise.race([server.ended, aborted(signals.drain)]);
      logger.info({ signal: String(signals.drain.reason) }, 'stopping');
    },
  });
}
