import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import { EXIT, runUntilSignal } from '../../runtime/lifecycle/run-until-signal.ts';
import { createLogger } from '../../runtime/logging/logger.ts';
import { logLevelOf } from '../../runtime/settings/common-settings.ts';
import { readSettings } from '../../runtime/settings/read-settings.ts';
import { watchedNamespaces } from '../config.ts';
import { createApi } from '../kubernetes/api.ts';
import { openConnection } from '../kubernetes/connection.ts';
import { UNINSTALL_SETTINGS } from './settings.ts';
import { uninstall, type UninstallOutcome } from './uninstall.ts';

/** What a person reads when `helm uninstall` fails. */
const WORDS: Readonly<Record<Exclude<UninstallOutcome['kind'], 'clear'>, string>> = {
  refused: 'delete these FirehoseSubscriptions first, or set uninstall.subscriptions: Delete',
  foreign: 'crds.keep is false: these FirehoseSubscriptions, which others look after, would go as well',
  unfinished: 'these FirehoseSubscriptions are still there: look at their events, and whether the operator runs',
};

/** Exit code 0: nothing is in the way. 1: something is, or another fault. 2: configuration. */
export async function main(environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  const logger = createLogger({ level: logLevelOf(environment), pretty: process.stdout.isTTY });
  let isClear = false;
  const code = await runUntilSignal({
    logger,
    settings: UNINSTALL_SETTINGS,
    run: async ({ drain }) => {
      const { values, faults } = readSettings(UNINSTALL_SETTINGS, environment);
      if (faults.length > 0) throw new ConfigurationFault(faults);
      const watched = watchedNamespaces(values.FIREHOSE_WATCH_NAMESPACES);
      const connection = openConnection();
      const outcome = await uninstall({
        api: createApi({ connection, signal: drain }),
        namespaces: watched === 'own' ? [connection.namespace] : watched,
        subscriptions: values.FIREHOSE_SUBSCRIPTIONS,
        crdGoes: values.FIREHOSE_CRD_GOES,
        timeoutMs: values.FIREHOSE_TIMEOUT_SECONDS * 1_000,
        signal: drain,
        say: (line) => logger.info(line),
      });
      isClear = outcome.kind === 'clear';
      if (outcome.kind !== 'clear') logger.error({ subscriptions: outcome.left }, WORDS[outcome.kind]);
    },
  });
  return code === EXIT.clean && !isClear ? EXIT.unexpected : code;
}
