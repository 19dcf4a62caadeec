import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../runtime/logging/logger.ts';
import type { ObjectCache } from './kubernetes/object-cache.ts';
import { SOURCES } from './kubernetes/objects.ts';

const LOOK_AGAIN_MS = 60_000;

/**
 * An operator that was upgraded before its CustomResourceDefinitions serves subscriptions in the meantime. Never
 * rejects.
 */
export async function followSources(
  resources: ObjectCache,
  {
    lookAgainMs = LOOK_AGAIN_MS,
    signal,
    logger,
  }: { lookAgainMs: number | undefined; signal: AbortSignal; logger: Logger },
): Promise<void> {
  let isTold = false;
  while (!signal.aborted) {
    const isServed = await resources.has(SOURCES).catch((error: unknown) => {
      if (!signal.aborted) logger.warn({ err: error }, 'it is not known whether the cluster knows FirehoseSources');
      return false;
    });
    if (isServed || signal.aborted) return;
    if (!isTold)
      logger.warn('the cluster does not know FirehoseSources: install crds/firehose.dev_firehosesources.yaml');
    isTold = true;
    await delay(lookAgainMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
