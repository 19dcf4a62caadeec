import { accountsOfGroup } from '../../protocol/keys.ts';
import { compareIds, splitId } from '../../protocol/position.ts';
import type { ConsumerGroup } from '../../protocol/subscription.ts';
import { accountRows } from '../../event-log/provisioning/account-groups.ts';
import type { LogPlace } from '../../event-log/partition-state.ts';
import { listDeadLetters } from '../group/dead-letters.ts';
import { groupFilter } from '../group/group-filter.ts';
import { groupPlace, type GroupPlace } from '../group/place.ts';
import type { Account } from '../directory/directory.ts';
import type { FoundEvent, GroupLook } from './look.ts';
import { grantSchema } from '../journal/entry.ts';
import { every, grantsAccount, grantsEvent, isWithinLogin } from './session-outcome.ts';

export interface GroupsPlace extends LogPlace {
  /** `<namespace>/<name>`. */
  readonly resource: string;
}

/** Most dead letters of a group and partition that are searched. */
const MOST_LETTERS = 1_000;

/** State of an event in the group of an account in Redis. Rejects with the client's error. */
export async function lookAtGroup(
  place: GroupsPlace,
  { declared, account: of }: { readonly declared: ConsumerGroup; readonly account: string },
  { event, account }: { readonly event: FoundEvent; readonly account: Account | null },
): Promise<GroupLook> {
  const { partition, id } = event.place;
  const group = declared.name;
  const own = { resource: place.resource, group };
  const at = groupPlace(place, partition, { ...own, account: of });
  const [rows, grantText, owner, lastDelivered, pending] = await Promise.all([
    accountRows(place.client, place.keyPrefix, own),
    place.client.get(accountsOfGroup(place.keyPrefix, own).grant(of)),
    place.client.get(at.owner),
    lastDeliveredOf(at),
    isPending(at, id),
  ]);
  const since = rows.find((one) => one.account === of)?.row.since ?? null;
  const isKept = every(
    since === null || splitId(id)[0] >= since,
    keeps(declared, event, account),
    allows(grantText, event, account),
  );
  return {
    group,
    isKept,
    owner: owner?.slice(0, owner.lastIndexOf(':')) ?? null,
    state: await stateOf(place, { ...own, account: of }, { at, id, lastDelivered, pending }),
  };
}

function keeps(declared: ConsumerGroup, { name, account: accountId }: FoundEvent, account: Account | null): boolean {
  const filter = groupFilter(declared);
  return filter === null || filter({ views: [], outcome: 'known', name, accountId, account });
}

/** Null when no grant is in force, or it is unreadable. */
function allows(text: string | null, { name, account: id }: FoundEvent, account: Account | null): boolean | null {
  const grant = text === null ? null : readGrant(text);
  if (grant === null || account === null) return null;
  return every(isWithinLogin(grant, account), grantsAccount(grant, id), grantsEvent(grant, name));
}

function readGrant(text: string) {
  try {
    return grantSchema.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function lastDeliveredOf({ client, events, name }: GroupPlace): Promise<string | null> {
  const groups = (await client.xinfo('GROUPS', events)) as readonly (readonly unknown[])[];
  const fields = groups.find((one) => String(one[one.indexOf('name') + 1]) === name);
  return fields === undefined ? null : String(fields[fields.indexOf('last-delivered-id') + 1]);
}

async function isPending({ client, events, name }: GroupPlace, id: string): Promise<boolean> {
  const rows = (await client.xpending(events, name, id, id, 1).catch(() => [])) as readonly unknown[];
  return rows.length > 0;
}

async function stateOf(
  place: GroupsPlace,
  of: { readonly resource: string; readonly group: string; readonly account: string },
  seen: {
    readonly at: GroupPlace;
    readonly id: string;
    readonly lastDelivered: string | null;
    readonly pending: boolean;
  },
): Promise<GroupLook['state']> {
  const { at, id, lastDelivered, pending } = seen;
  if (lastDelivered === null || compareIds(id, lastDelivered) > 0) return { kind: 'not_read' };
  if (pending) {
    const attempts = Number((await place.client.hget(at.attempts, id))?.split(':')[0] ?? 0);
    return { kind: 'pending', attempts };
  }
  const letters = await listDeadLetters({ ...place, ...of }, { count: MOST_LETTERS, account: of.account });
  const letter = letters.find((one) => one.entry === id && one.id.split(':')[1] === String(at.partition));
  if (letter === undefined) return { kind: 'acknowledged' };
  const { id: letterId, attempts, error, reason } = letter;
  return { kind: 'dead_letter', id: letterId, attempts, error, why: reason };
}
