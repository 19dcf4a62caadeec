import { sourceKind } from '../protocol/source.ts';
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
    environment,
    run: async (signals) => {
      const config = await readSourceConfig(environment);
      await using source = await buildSource(config, logger);
      const { name, spec, endpoints } = config;
      logger.info(
        { inner_port: source.port, source: name, kind: sourceKind(spec), endpoints: endpoints.length },
        'the source runs',
      );
      await Promise.race([source.ended, aborted(signals.drain)]);
      logger.info({ signal: String(signals.drain.reason) }, 'stopping');
    },
  });
}
