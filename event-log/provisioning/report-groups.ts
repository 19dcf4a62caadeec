import { formerGroupName, groupName } from '../../protocol/keys.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { accountRows, type AccountGroup } from './account-groups.ts';
import { lagOf, milliseconds, reportStreams, type PartitionReport } from './report.ts';

/** A declared group as one sum over the accounts that have it. */
export interface GroupSummary {
  /** Accounts that have a group of this name. */
  readonly accounts: number;
  /** Of these, accounts that have had a connection. A group without any connection yet has no lag. */
  readonly used: number;
  /** Partitions in which the group of an account is missing. */
  readonly missing: number;
  /** Entries that the used groups have not read. */
  readonly lag: number;
  /** Whether Redis knows `lag`; else it is an estimate. */
  readonly isExact: boolean;
  /** The lag of the group that is furthest behind in one partition. */
  readonly worstLag: number;
  /** Entries that were read and not finished. */
  readonly pending: number;
  readonly consumers: number;
  /** When the oldest of them entered the log, Unix milliseconds; null without any. */
  readonly oldestPendingAt: number | null;
  readonly dead: number;
}

/** A group that a resource declares; with `account` it belongs to that account alone, and exists from the start. */
export interface DeclaredGroup {
  readonly name: string;
  readonly account?: string | undefined;
}

export interface GroupsPlace {
  readonly keyPrefix: string;
  readonly partitions: number;
  /** `<namespace>/<name>`. */
  readonly resource: string;
}

export interface GroupsReport {
  readonly partitions: readonly PartitionReport[];
  /** In the order of the declared groups. */
  readonly groups: readonly GroupSummary[];
}

/** Reads the state of the streams and of the groups of every account. Rejects with the client's error. */
export async function reportGroups(
  client: RedisClient,
  place: GroupsPlace,
  declared: readonly DeclaredGroup[],
): Promise<GroupsReport> {
  const { keyPrefix, resource } = place;
  const accounts = await Promise.all(
    declared.map(async ({ name, account }) =>
      accountsThatExist(await accountRows(client, keyPrefix, { resource, group: name }), account),
    ),
  );
  const former = declared.map(({ name }) => formerGroupName(resource, name));
  const names = declared.flatMap(({ name }, at) =>
    (accounts[at] ?? []).map(({ account }) => groupName(resource, name, account)),
  );
  const partitions = await reportStreams(client, place, [...names, ...former]);
  const groups = declared.map(({ name }, at) =>
    summarise(
      partitions,
      (accounts[at] ?? []).map(({ account, row }) => ({
        name: groupName(resource, name, account),
        former: former[at] ?? '',
        isUsed: row.used > 0,
      })),
    ),
  );
  return { partitions, groups };
}

/** The accounts of the register whose group exists, and the one that the group is declared for. */
export function accountsThatExist(rows: readonly AccountGroup[], declaredFor: string | undefined): AccountGroup[] {
  const there = rows.filter(({ row }) => row.gone === undefined);
  if (declaredFor === undefined || there.some(({ account }) => account === declaredFor)) return there;
  return [...there, { account: declaredFor, row: { since: 0, used: 0, grant: '' } }];
}

/** Pure. A group whose former form still exists is not missing: a gateway migrates it. */
function summarise(
  partitions: readonly PartitionReport[],
  accounts: readonly { readonly name: string; readonly former: string; readonly isUsed: boolean }[],
): GroupSummary {
  const found = accounts.flatMap(({ name, isUsed }) =>
    partitions.flatMap((partition) => {
      const group = partition.groups[name];
      return group === undefined ? [] : [{ ...group, ...lagOf(partition, group), isUsed }];
    }),
  );
  const missing = accounts.flatMap(({ name, former }) =>
    partitions.filter(({ groups }) => groups[name] === undefined && groups[former] === undefined),
  );
  const used = found.filter(({ isUsed }) => isUsed);
  const since = found.map(({ oldestPending }) => oldestPending).filter((id) => id !== '');
  return {
    accounts: accounts.length,
    used: accounts.filter(({ isUsed }) => isUsed).length,
    missing: missing.length,
    lag: total(used, ({ lag }) => lag),
    isExact: used.every(({ isExact }) => isExact),
    worstLag: Math.max(0, ...used.map(({ lag }) => lag)),
    pending: total(found, ({ pending }) => pending),
    consumers: Math.max(0, ...found.map(({ consumers }) => consumers)),
    oldestPendingAt: since.length === 0 ? null : Math.min(...since.map(milliseconds)),
    dead: total(found, ({ dead }) => dead),
  };
}

function total<T>(items: readonly T[], amount: (item: T) => number): number {
  return items.reduce((sum, item) => sum + amount(item), 0);
}
