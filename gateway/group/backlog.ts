import { setTimeout as delay } from 'node:timers/promises';
import { groupName } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { lagOf, milliseconds, reportStreams } from '../../event-log/provisioning/report.ts';

/** What a group has still to do, over all replicas. */
export interface Backlog {
  /** Entries that it has not read; an estimate where Redis does not know. */
  readonly lag: number;
  /** When the oldest entry came that was read and not settled, Unix milliseconds; null when there is none. */
  readonly oldestPendingAt: number | null;
}

export interface BacklogOptions {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  readonly partitions: number;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  readonly groups: readonly string[];
  readonly signal: AbortSignal;
  readonly everyMs?: number;
}

const EVERY_MS = 10_000;

/**
 * Looks at the backlog of each group again and again, for those who watch: also while nobody is connected to it. What
 * is not known now is not told. `ended` settles after the signal; it never rejects.
 */
export function followBacklog(options: BacklogOptions): {
  readonly current: () => ReadonlyMap<string, Backlog>;
  readonly ended: Promise<void>;
} {
  let known: ReadonlyMap<string, Backlog> = new Map();
  const { signal, everyMs = EVERY_MS } = options;
  const follow = async () => {
    while (!signal.aborted) {
      // Redis is away: its clients say so.
      known = await look(options).catch(() => new Map<string, Backlog>());
      await delay(everyMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  };
  return { current: () => known, ended: follow() };
}

async function look(options: BacklogOptions): Promise<Map<string, Backlog>> {
  const { client, resource, groups } = options;
  const names = groups.map((group) => groupName(resource, group));
  const partitions = await reportStreams(client, options, names);
  const found = new Map<string, Backlog>();
  for (const [index, group] of groups.entries()) {
    let lag = 0;
    let oldest = Number.POSITIVE_INFINITY;
    for (const partition of partitions) {
      const report = partition.groups[names[index] ?? ''];
      if (report === undefined) continue;
      lag += lagOf(partition, report).lag;
      if (report.oldestPending !== '') oldest = Math.min(oldest, milliseconds(report.oldestPending));
    }
    found.set(group, { lag, oldestPendingAt: Number.isFinite(oldest) ? oldest : null });
  }
  return found;
}
