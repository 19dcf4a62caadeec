import { aborted } from '../runtime/lifecycle/aborted.ts';
import { runUntilSignal } from '../runtime/lifecycle/run-until-signal.ts';
import { createLogger } from '../runtime/logging/logger.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { buildSource } from './build-source.ts';
import { readSourceConfig } from './source-config.ts';
import { logLevelOf } from '../runtime/settings/common-settings.ts';
import { SOURCE_SETTINGS } from './settings.ts';

/** env -> config -> build -> run until a signal. Returns the exit code. */
export async function main(environment: Environment): Promise<number> {
  const logger = createLogger({ level: logLevelOf(environment), pretty: process.stdout.isTTY });
  return runUntilSignal({
    logger,
    settings: SOURCE_SETTINGS,
    run: async (signals) => {
      const config = await readSourceConfig(environment);
      await using source = await buildSource(config, logger);
      logger.info({ inner_port: source.port, accounts: config.simulator.accounts.length }, 'simulating calls');
      await Promise.race([source.ended, aborted(signals.drain)]);
      logger.info({ signal: String(signals.drain.reason) }, 'stopping');
    },
  });
}
