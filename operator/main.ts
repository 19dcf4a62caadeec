import { randomBytes } from 'node:crypto';
import { aborted } from '../runtime/lifecycle/aborted.ts';
import { runUntilSignal } from '../runtime/lifecycle/run-until-signal.ts';
import { createLogger } from '../runtime/logging/logger.ts';
import { buildOperator } from './build.ts';
import { readConfig } from './config.ts';
import { openConnection } from './kubernetes/connection.ts';
import { logLevelOf } from '../runtime/settings/common-settings.ts';
import { OPERATOR_SETTINGS } from './settings.ts';

/** env -> config -> build -> run until a signal, or until another one leads. Returns the exit code. */
export async function main(environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  const logger = createLogger({ level: logLevelOf(environment), pretty: process.stdout.isTTY });
  return runUntilSignal({
    logger,
    settings: OPERATOR_SETTINGS,
    environment,
    run: async (signals) => {
      const config = readConfig(environment, randomBytes(4).toString('hex'));
      const connection = openConnection();
      await using operator = await buildOperator({ config, connection, logger });
      const { watchNamespaces } = config;
      const namespaces = watchNamespaces === 'own' ? [connection.namespace] : (watchNamespaces ?? '*');
      logger.info({ port: operator.port, server: connection.server.host, namespaces }, 'following the API server');
      if (namespaces !== '*') logger.info({ namespaces }, 'resources in other namespaces are not watched');
      await Promise.race([operator.ended, aborted(signals.drain)]);
      logger.info({ signal: String(signals.drain.reason) }, 'stopping');
    },
  });
}

if (import.meta.main) process.exit(await main(process.env));
