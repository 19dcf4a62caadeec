import { relative } from 'node:path';
import { aborted } from '../runtime/lifecycle/aborted.ts';
import { runUntilSignal } from '../runtime/lifecycle/run-until-signal.ts';
import { createLogger, type Logger } from '../runtime/logging/logger.ts';
import { buildGateway, type Gateway, type StartSource } from './build.ts';
import type { Environment } from '../runtime/lifecycle/environment.ts';
import { readConfig, type GatewayConfig } from './config.ts';
import { quickstartLines } from './quickstart/quickstart-lines.ts';
import { logLevelOf } from '../runtime/settings/common-settings.ts';
import { GATEWAY_SETTINGS } from './settings.ts';

/** env -> config -> build -> run until a signal. Returns the exit code. */
export async function main(environment: Environment, startSource: StartSource | null = null): Promise<number> {
  const logger = createLogger({ level: logLevelOf(environment), pretty: process.stdout.isTTY });
  return runUntilSignal({
    logger,
    settings: GATEWAY_SETTINGS,
    environment,
    run: async (signals) => {
      const config = await readConfig(environment);
      await using gateway = await buildGateway(config, logger, startSource);
      logger.info({ port: gateway.port, inner_port: gateway.innerPort }, 'listening');
      sayHow(config, gateway, logger);
      await Promise.race([gateway.ended, aborted(signals.drain)]);
      if (!signals.drain.aborted) return;
      logger.info({ signal: String(signals.drain.reason) }, 'draining');
      await Promise.race([gateway.drain(signals.drain.reason, signals.now), aborted(signals.now)]);
    },
  });
}

/** The two lines to paste next, when this is the quickstart at a terminal or in a transcript. */
function sayHow(config: GatewayConfig, { port, innerPort }: Gateway, logger: Logger): void {
  if (!config.isQuickstart || logger.level === 'silent') return;
  process.stdout.write(
    quickstartLines({
      port,
      innerPort,
      isTls: !config.subscription.spec.gateway.tls.disabled,
      state: config.stateFolder,
      node: relative('.', process.execPath),
    }),
  );
}

if (import.meta.main) process.exit(await main(process.env));
