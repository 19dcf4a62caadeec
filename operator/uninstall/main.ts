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

/** What to do about the resources that prevent the uninstall. */
const WORDS: Readonly<Record<Exclude<UninstallOutcome['kind'], 'clear'>, string>> = {
  refused:
    'Delete them first (kubectl delete fhs NAME -n NAMESPACE), or let Helm do it: set uninstall.subscriptions to Delete.',
  foreign:
    'They belong to other operators and would be deleted with the CustomResourceDefinition: set crds.keep to true.',
  unfinished:
    'They were not deleted in time: check that the operator runs, and what kubectl describe fhs says of them.',
};

/** The text when `helm uninstall` fails: one sentence on the obstacle, one on what to do. Pure. */
export function sentenceOf({ kind, left }: Exclude<UninstallOutcome, { kind: 'clear' }>): string {
  const count =
    left.length === 1 ? '1 FirehoseSubscription still exists' : `${left.length} FirehoseSubscriptions still exist`;
  return `Firehose is not uninstalled: ${count} (${left.join(', ')}). ${WORDS[kind]}`;
}

/** Exit code 0: no obstacle. 1: an obstacle, or another fault. 2: configuration. */
export async function main(environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  const logger = createLogger({ level: logLevelOf(environment), pretty: process.stdout.isTTY });
  let isClear = false;
  const code = await runUntilSignal({
    logger,
    settings: UNINSTALL_SETTINGS,
    environment,
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
      // Helm shows the last lines of this output; they also become the pod's termination message.
      if (outcome.kind !== 'clear') process.stdout.write(`${sentenceOf(outcome)}\n`);
    },
  });
  return code === EXIT.clean && !isClear ? EXIT.unexpected : code;
}
