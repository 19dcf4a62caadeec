import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { decodeEntry, type RawEntry } from '../../event-log/decode-entry.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { HOLD_LUA, validUntil, type Lease } from './lease.ts';
import type { GroupPlace } from './place.ts';

/**
 * A page of the entries that any owner read for the group and did not acknowledge. KEYS: owner, fence, events,
 * attempts. ARGV: lease, TTL, group, first id, how many. Not by reading id 0: that would raise Redis's own delivery
 * count each time.
 */
const PENDING = defineScript(`${HOLD_LUA}
local pages = {}
for i, one in ipairs(redis.call('XPENDING', KEYS[3], ARGV[3], ARGV[4], '+', ARGV[5])) do
  local found = redis.call('XRANGE', KEYS[3], one[1], one[1])[1]
  pages[i] = { one[1], found and found[2] or false, redis.call('HGET', KEYS[4], one[1]) }
end
return pages`);

export interface PendingEntry {
  readonly entry: StoredEntry;
  readonly attempts: number;
  /** Of these, deliveries that do not count against the event. */
  readonly excused: number;
}

/** Deliveries of an event in Redis: `<attempts>`, or `<attempts>:<excused>`. */
export function encodeAttempts({ attempts, excused }: { attempts: number; excused: number }): string {
  return excused === 0 ? String(attempts) : `${attempts}:${excused}`;
}

function decodeAttempts(text: string): { attempts: number; excused: number } {
  const [attempts = 0, excused = 0] = text.split(':').map(Number);
  return { attempts, excused };
}

export interface PendingPage {
  readonly entries: readonly PendingEntry[];
  /** Ids of entries that were trimmed while they were pending. */
  readonly trimmed: readonly string[];
  /** The next page begins after this id; null when this was the last one. */
  readonly last: string | null;
}

type Row = readonly [id: Buffer, fields: RawEntry[1] | null, attempts: Buffer | null];

/** Null when another replica has the lease. `after` is null for the first page. Rejects with the client's error. */
export async function readPending(
  place: GroupPlace,
  lease: Lease,
  page: { after: string | null; count: number },
): Promise<PendingPage | null> {
  const sentAt = performance.now();
  const rows = (await runScript(place.client, PENDING, {
    keys: [place.owner, lease.fence, place.events, place.attempts],
    args: [
      lease.value,
      String(lease.ttlMs),
      place.name,
      page.after === null ? '-' : `(${page.after}`,
      String(page.count),
    ],
  })) as readonly Row[] | null;
  if (rows === null) return null;
  lease.validUntil = validUntil(sentAt, lease.ttlMs);
  return {
    entries: rows.flatMap(([id, fields, attempts]) =>
      fields === null
        ? []
        : [{ entry: decodeEntry(place.partition, [id, fields]), ...decodeAttempts(attempts?.toString() ?? '0') }],
    ),
    trimmed: rows.flatMap(([id, fields]) => (fields === null ? [id.toString()] : [])),
    last: rows.length < page.count ? null : (rows.at(-1)?.[0].toString() ?? null),
  };
}
