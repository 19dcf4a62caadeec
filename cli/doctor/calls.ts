import { callKeys, streamKeys } from '../../protocol/keys.ts';
import { splitId } from '../../protocol/position.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { about, type Finding } from '../../protocol/finding.ts';

/** A partition's table of live calls; `at` is empty for none. */
export interface CallsLook {
  readonly at: string;
  /** The first entry that the table has not read; null for none. */
  readonly unread: string | null;
  readonly accounts: number;
}

export async function lookAtCalls(client: RedisClient, keyPrefix: string, partitions: number): Promise<CallsLook[]> {
  return Promise.all(
    Array.from({ length: partitions }, async (_, partition) => {
      const keys = callKeys(keyPrefix, partition);
      const at = (await client.get(keys.at)) ?? '';
      const [, id] = at.split(' ');
      const { events } = streamKeys(keyPrefix, partition);
      const next = id === undefined ? [] : await client.xrange(events, `(${id}`, '+', 'COUNT', 1);
      return { at, unread: next[0]?.[0] ?? null, accounts: await client.scard(keys.accounts) };
    }),
  );
}

/** When the table is this far behind, there are no snapshots. */
const BEHIND_MS = 30_000;

/** Whether the table is kept if and only if it is wanted. Pure; `now` in Unix milliseconds. */
export function judgeCalls(looks: readonly CallsLook[], isWanted: boolean, now: number): Finding[] {
  const say = about('calls');
  const kept = looks.filter(({ at, accounts }) => at !== '' || accounts > 0);
  if (!isWanted) {
    return kept.length === 0
      ? []
      : [
          say.ok(
            `${kept.length} partitions have a table of live calls: of another resource, or removed within the hour`,
          ),
        ];
  }
  if (kept.length === 0) return [say.ok('no table of live calls yet: made by the first start')];
  const numbered = looks.map((look, partition) => ({ ...look, partition }));
  const building = numbered.filter(({ at }) => at.split(' ')[2] !== 'live').map(({ partition }) => partition);
  if (building.length > 0) {
    const fix = 'wait; without a running gateway it stays so';
    return [say.warn(`the table of partition ${building.join(', ')} is being made: no snapshots until then`, fix)];
  }
  const late = numbered.filter(({ unread }) => unread !== null && now - splitId(unread)[0] > BEHIND_MS);
  if (late.length > 0) {
    const those = late.map(({ partition }) => partition).join(', ');
    const fix = 'start a gateway, or see firehose_calls_behind_seconds of those that run';
    return [
      say.warn(`the table of partition ${those} is more than 30 s behind: no snapshots, and no call is ended`, fix),
    ];
  }
  const accounts = looks.reduce((sum, look) => sum + look.accounts, 0);
  return [say.ok(`the table is at the end of the log; accounts with live calls, by partition: ${accounts}`)];
}
