import { z } from 'zod';
import { ConfigurationFault } from '../../runtime/lifecycle/configuration-fault.ts';
import { EXIT, runUntilSignal } from '../../runtime/lifecycle/run-until-signal.ts';
import { createLogger } from '../../runtime/logging/logger.ts';
import { watchedNamespaces, watchNamespaces } from '../config.ts';
import { createApi } from '../kubernetes/api.ts';
import { openConnection } from '../kubernetes/connection.ts';
import { uninstall, type UninstallOutcome } from './uninstall.ts';

const settings = z.object({
  FIREHOSE_WATCH_NAMESPACES: watchNamespaces,
  FIREHOSE_SUBSCRIPTIONS: z.enum(['Refuse', 'Delete'], { error: 'Refuse or Delete' }).default('Refuse'),
  FIREHOSE_CRD_GOES: z.enum(['true', 'false'], { error: 'true or false' }).default('false'),
  FIREHOSE_TIMEOUT_SECONDS: z
    .string()
    .regex(/^\d{1,5}$/, 'seconds, from 0 to 99999')
    .default('660'),
});

/** What a person reads when `helm uninstall` fails. */
const WORDS: Readonly<Record<Exclude<UninstallOutcome['kind'], 'clear'>, string>> = {
  refused: 'delete these FirehoseSubscriptions first, or set uninstall.subscriptions: Delete',
  foreign: 'crds.keep is false: these FirehoseSubscriptions, which others look after, would go as well',
  unfinished: 'these FirehoseSubscriptions are still there: look at their events, and whether the operator runs',
};

/** Exit code 0: nothing is in the way. 1: something is, or another fault. 2: configuration. */
export async function main(environment: Readonly<Record<string, string | undefined>>): Promise<number> {
  const logger = createLogger({ level: 'info', pretty: process.stdout.isTTY });
  let isClear = false;
  const code = await runUntilSignal({
    logger,
    run: async ({ drain }) => {
      const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
      const parsed = settings.safeParse(given);
      if (!parsed.success) {
        throw new ConfigurationFault(
          parsed.error.issues.map((issue) => `environment: ${issue.path.join('.')}: ${issue.message}`),
        );
      }
      const watched = watchedNamespaces(parsed.data.FIREHOSE_WATCH_NAMESPACES);
      const connection = openConnection();
      const outcome = await uninstall({
        api: createApi({ connection, signal: drain }),
        namespaces: watched === 'own' ? [connection.namespace] : watched,
        subscriptions: parsed.data.FIREHOSE_SUBSCRIPTIONS,
        crdGoes: parsed.data.FIREHOSE_CRD_GOES === 'true',
        timeoutMs: Number(parsed.data.FIREHOSE_TIMEOUT_SECONDS) * 1_000,
        signal: drain,
        say: (line) => logger.info(line),
      });
      isClear = outcome.kind === 'clear';
      if (outcome.kind !== 'clear') logger.error({ subscriptions: outcome.left }, WORDS[outcome.kind]);
    },
  });
  return code === EXIT.clean && !isClear ? EXIT.unexpected : code;
}
