import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { reportGroups, type DeclaredGroup, type GroupsPlace } from '../../event-log/provisioning/report-groups.ts';

/** The backlog of a declared group, over all replicas and accounts. */
export interface Backlog {
  /** Accounts that have a group of this name. */
  readonly accounts: number;
  /**
   * Entries that the group has not read, an estimate where Redis does not know; null while no connection has used it
   * yet.
   */
  readonly lag: number | null;
  /** Entries that were read and not finished. */
  readonly pending: number;
  /** Arrival of the oldest entry that was read and not finished, in Unix milliseconds; null when there is none. */
  readonly oldestPendingAt: number | null;
  /** Events that were given up and are kept. */
  readonly deadLetters: number;
}

export interface BacklogOptions {
  readonly client: RedisClient;
  readonly place: GroupsPlace;
  readonly groups: readonly DeclaredGroup[];
  readonly signal: AbortSignal;
  readonly logger: Logger;
  /** Called for each check that failed. */
  readonly onFailure: (code: string) => void;
  readonly everyMs?: number;
}

const EVERY_MS = 10_000;

/**
 * Reads the backlog of each group periodically for monitoring, even without a connection. Unknown values are omitted.
 * `ended` settles after the signal; it never rejects.
 */
export function followBacklog(options: BacklogOptions): {
  readonly current: () => ReadonlyMap<string, Backlog>;
  readonly ended: Promise<void>;
} {
  let known: ReadonlyMap<string, Backlog> = new Map();
  let lastCode = '';
  const { signal, logger, onFailure, everyMs = EVERY_MS } = options;
  const follow = async () => {
    while (!signal.aborted) {
      try {
        known = await look(options);
        lastCode = '';
      } catch (error) {
        known = new Map();
        const code = redisErrorCode(error);
        onFailure(code);
        if (code !== lastCode) logger.warn({ code }, 'the backlog of consumer groups cannot be read; trying again');
        lastCode = code;
      }
      await delay(everyMs, undefined, { signal, ref: false }).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    }
  };
  return { current: () => known, ended: follow() };
}

async function look({ client, place, groups }: BacklogOptions): Promise<Map<string, Backlog>> {
  const report = await reportGroups(client, place, groups);
  return new Map(
    groups.flatMap(({ name }, at) => {
      const summary = report.groups[at];
      if (summary === undefined) return [];
      const { accounts, used, lag, pending, oldestPendingAt, dead: deadLetters } = summary;
      return [[name, { accounts, lag: used === 0 ? null : lag, pending, oldestPendingAt, deadLetters }]];
    }),
  );
}
