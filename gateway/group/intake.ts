import { decodeMeta } from '../../protocol/entry.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { poisonReason } from '../../event-log/poison.ts';
import { accepts } from '../fanout/route-index.ts';
import { readSourceGap } from '../fanout/source-gap-notice.ts';
import type { GroupContext, GroupMember } from './group-context.ts';
import type { Held, Ledger } from './ledger.ts';
import type { Outbox } from './outbox.ts';
import type { PendingEntry } from './pending.ts';

/** Whether the group may see the event, by the present account tree (I5), and its filters keep it. */
function isAllowed(context: GroupContext, metaLine: string): boolean {
  if (context.view === null) return false;
  const route = context.index.match(metaLine);
  return accepts(context.view, route) && (context.filter?.(route) ?? true);
}

/**
 * Takes in read entries, in order. Entries that the grant of the group or its filters exclude are acknowledged at once,
 * and so is poison, which is also reported; the rest waits for its turn. The grant is the group's own (I13): without
 * members, or while the grant is not known to be in force, nothing is acknowledged, and the entries stay pending for
 * the next owner.
 */
export function takeIn(
  parts: { context: GroupContext; ledger: Ledger<GroupMember>; outbox: Outbox<GroupMember> },
  read: readonly PendingEntry[],
): Held<GroupMember>[] {
  const { context, ledger, outbox } = parts;
  const poison: string[] = [];
  const taken: Held<GroupMember>[] = [];
  if (context.view === null || !context.isGranted(performance.now())) return taken;
  for (const { entry, attempts, excused } of read) {
    if (ledger.has(entry.id)) continue;
    const meta = poisonReason(entry) === null ? decodeMeta(entry.meta) : null;
    if (meta === null) {
      poison.push(`${entry.partition}:${entry.id}`);
      outbox.drop(entry.id);
      continue;
    }
    const call = meta.callId === '' ? `account ${meta.account}` : meta.callId;
    const first = isAllowed(context, entry.meta) ? context.choose(call, entry.partition) : null;
    if (first === null) {
      context.counters.filtered += 1;
      outbox.drop(entry.id);
      continue;
    }
    const eventId = meta.eventId || `${entry.partition}:${entry.id}`;
    const { partition, id, data } = entry;
    const scope = context.index.version;
    taken.push(
      ledger.add(
        { partition, id, eventId, metaLine: entry.meta, meta, data, attempts, excused, scope },
        call,
        () => first,
      ),
    );
  }
  context.hold(taken.length);
  if (poison.length > 0) {
    context.counters.poison += poison.length;
    context.tell('poison', { ids: poison, missed: poison.length });
  }
  return taken;
}

/**
 * A gap of a source, which no client acknowledges: the members are notified, and the group passes it. It waits for
 * nothing, is not a delivery and never a dead letter; an unreadable one is poison.
 */
export function passSourceGap(
  { context, outbox }: { context: GroupContext; outbox: Outbox<GroupMember> },
  entry: StoredEntry,
): void {
  if (context.view === null || !context.isGranted(performance.now())) return;
  outbox.drop(entry.id);
  const notice = readSourceGap(entry, context.cursors);
  if (notice !== null) return context.tellSourceGap(notice);
  context.counters.poison += 1;
  context.tell('poison', { ids: [`${entry.partition}:${entry.id}`], missed: 1 });
}

/** Decides again about entries that are about to be written, when the tree has changed since. */
export function mayStill(context: GroupContext, held: Held<GroupMember>): boolean {
  if (held.scope === context.index.version) return true;
  held.scope = context.index.version;
  return isAllowed(context, held.metaLine);
}
