import { setTimeout as delay } from 'node:timers/promises';
import { LogUnavailable } from '../../event-log/event-log.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { CallTable, TableAt } from './call-table.ts';

/** A keeper marks its table every few seconds. */
const UNKEPT_MS = 600_000;
const EVERY_MS = 3_600_000;
const RETRY_MS = 60_000;

/** The state of a table whose `at` is lost. */
const NOWHERE: TableAt = { epoch: '', id: '0-0', phase: 'dropping', until: '0-0' };

/**
 * Removes the table of a partition when no replica has kept it for a while; false while one keeps it. Another resource
 * on the same streams may keep it: a replica that starts in the meantime has moved it, and it remains. Rejects with
 * LogUnavailable.
 */
export async function removeUnkept(table: CallTable, partition: number, unkeptMs = UNKEPT_MS): Promise<boolean> {
  const idleMs = await table.idleMs(partition);
  if (idleMs === null && (await table.accounts(partition)).length === 0) return true;
  if (idleMs !== null && idleMs < unkeptMs) return false;
  const found = await table.at(partition);
  const at: TableAt = { ...(found ?? NOWHERE), phase: 'dropping' };
  if (!(await table.begin(partition, found, at))) return false;
  for (;;) {
    const isEmpty = await table.drop(partition, at);
    if (isEmpty === null) return false;
    if (isEmpty) return table.forget(partition, at);
  }
}

export interface RemovingParts {
  readonly table: CallTable;
  readonly partitions: number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

/** For a resource that keeps no table: removes a table that it kept before. Settles after an abort. */
export async function keepRemoved({ table, partitions, logger, signal }: RemovingParts): Promise<void> {
  while (!signal.aborted) {
    let restMs = EVERY_MS;
    try {
      for (let partition = 0; partition < partitions; partition += 1) {
        const had = (await table.idleMs(partition)) !== null;
        if ((await removeUnkept(table, partition)) && had)
          logger.info({ partition }, 'removed a table of live calls that no replica keeps');
      }
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      restMs = RETRY_MS;
    }
    await delay(restMs, undefined, { signal, ref: false }).catch(() => undefined);
  }
}
