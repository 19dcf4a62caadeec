import { setTimeout as delay } from 'node:timers/promises';
import type { LogPlace } from '../../event-log/partition-state.ts';
import { accountRows } from '../../event-log/provisioning/account-groups.ts';
import { destroyGroup } from '../../event-log/provisioning/release.ts';
import { groupName } from '../../protocol/keys.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { retireGroup, type GroupOf, type RegistryPlace } from './registry.ts';

/**
 * A group that is marked as removed may be created again after 10 s: by then this replica destroys nothing of it any
 * more.
 */
const DESTROYED_WITHIN_MS = 8_000;

export interface RetireOptions {
  readonly place: LogPlace;
  readonly registry: RegistryPlace;
  readonly groups: readonly ConsumerGroup[];
  readonly idleMs: number;
  readonly everyMs: number;
  readonly signal: AbortSignal;
  readonly onRetired: (of: GroupOf) => void;
  readonly logger: Logger;
}

/** Removes unused groups periodically, until aborted. Never rejects. */
export async function retireLoop(options: RetireOptions): Promise<void> {
  const { place, registry, everyMs, signal, onRetired, logger } = options;
  while (!signal.aborted) {
    await delay(everyMs, undefined, { signal, ref: false }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (signal.aborted) return;
    try {
      for (const of of await retireUnused(place, registry, options)) {
        onRetired(of);
        logger.info({ ...of }, 'a consumer group is removed: no connection used it for longer than the retention');
      }
    } catch (error) {
      logger.warn({ code: redisErrorCode(error) }, 'unused consumer groups cannot be removed now; trying again');
    }
  }
}

/**
 * Removes the groups that no connection has used for `idleMs`, except those that are declared for an account: their
 * unread entries are trimmed from the log by then. Returns them. Rejects with the client's error.
 */
async function retireUnused(
  place: LogPlace,
  registry: RegistryPlace,
  { groups, idleMs }: { readonly groups: readonly ConsumerGroup[]; readonly idleMs: number },
): Promise<GroupOf[]> {
  const { resource } = registry;
  const retired: GroupOf[] = [];
  for (const { name: group, account: declaredFor } of groups) {
    const rows = await accountRows(place.client, place.keyPrefix, { resource, group });
    for (const { account, row } of rows) {
      if (row.gone !== undefined || account === declaredFor) continue;
      const by = performance.now() + DESTROYED_WITHIN_MS;
      if (!(await retireGroup(registry, { group, account }, idleMs))) continue;
      if (performance.now() < by) await destroyGroup(place.client, place, groupName(resource, group, account));
      retired.push({ group, account });
    }
  }
  return retired;
}
