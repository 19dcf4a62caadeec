import { DATA_FIELD, META_FIELD, decodeMeta, encodeMeta } from '../../protocol/entry.ts';
import { splitId } from '../../protocol/position.ts';
import { groupPlace, type GroupPlace } from './place.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import type { RawEntry } from '../../event-log/decode-entry.ts';
import type { LogPlace } from '../../event-log/partition-state.ts';
import { accountRows } from '../../event-log/provisioning/account-groups.ts';
import { HOLD_LUA, type Lease } from './lease.ts';

export type DeadReason = 'max_deliver' | 'terminated';

/**
 * Moves an entry to the dead letters, unless it is finished already: repeating it after a lost reply has no further
 * effect. XADD comes before XACK, so that a failure (OOM) loses nothing. KEYS: owner, fence, events, attempts, dead.
 * ARGV: lease, TTL, group, id, most kept, then the fields.
 */
const KEEP = defineScript(`${HOLD_LUA}
if #redis.call('XPENDING', KEYS[3], ARGV[3], ARGV[4], ARGV[4], 1) == 1 then
  local fields = {}
  for i = 6, #ARGV do fields[#fields + 1] = ARGV[i] end
  redis.call('XADD', KEYS[5], 'MAXLEN', '=', ARGV[5], '*', unpack(fields))
  redis.call('XACK', KEYS[3], ARGV[3], ARGV[4])
end
redis.call('HDEL', KEYS[4], ARGV[4])
return 1`);

/**
 * Puts it back at the end of the log and removes it from the dead letters; nothing when it is not there (any more).
 * KEYS: dead, events. ARGV: id, meta line.
 */
const REDRIVE = defineScript(`
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not found then return false end
local fields = {}
for i = 1, #found[2], 2 do fields[found[2][i]] = found[2][i + 1] end
local id = redis.call('XADD', KEYS[2], '*', '${META_FIELD}', ARGV[2], '${DATA_FIELD}', fields['${DATA_FIELD}'])
redis.call('XDEL', KEYS[1], ARGV[1])
return id`);

/** An event that is given up. */
export interface GivenUpEvent {
  readonly id: string;
  readonly reason: DeadReason;
  readonly attempts: number;
  /** Why the last delivery failed, as text; may be empty. */
  readonly error: string;
  readonly metaLine: string;
  readonly data: Buffer;
}

/** False when another replica has the lease. Rejects with the client's error. */
export async function keepDeadLetter(
  place: GroupPlace,
  lease: Lease,
  options: GivenUpEvent & { maxLength: number },
): Promise<boolean> {
  const { id, reason, attempts, error, metaLine, data, maxLength } = options;
  const kept = await runScript(place.client, KEEP, {
    keys: [place.owner, lease.fence, place.events, place.attempts, place.dead],
    args: [
      lease.value,
      String(lease.ttlMs),
      place.name,
      id,
      String(maxLength),
      ...Object.entries({ reason, attempts: String(attempts), error, entry: id }).flat(),
      META_FIELD,
      metaLine,
      DATA_FIELD,
      data,
    ],
  });
  return kept !== null;
}

/** A dead letter as it is listed. */
export interface DeadLetter {
  /** `<account of the group>:<partition>:<id in the dead-letter stream>`: the argument of `show` and `redrive`. */
  readonly id: string;
  /** Entry id in the log at that time. */
  readonly entry: string;
  readonly eventId: string;
  readonly name: string;
  /** Account of the event: that of the group, or one below it. */
  readonly account: string;
  readonly callId: string;
  readonly reason: string;
  readonly attempts: number;
  readonly error: string;
}

export interface WholeDeadLetter extends DeadLetter {
  readonly metaLine: string;
  /** The event's bytes as the producer sent them. */
  readonly data: Buffer;
}

/** The dead letters of a declared group, of all accounts that have it. `resource` is `<namespace>/<name>`. */
export interface DeadLettersOf extends LogPlace {
  readonly resource: string;
  readonly group: string;
  /** The account that the group is declared for; absent: every account has its own. */
  readonly declaredFor?: string | undefined;
}

/** `<account>:<partition>:<id in the dead-letter stream>`. */
export const DEAD_LETTER_ID = /^([A-Za-z0-9_-]{1,64}):(\d{1,2}):(\d{1,16}-\d{1,16})$/;
const MOST_LISTED = 1_000;

/**
 * The dead letters, account by account and partition by partition, the oldest first, after `after` (an id of a dead
 * letter) or from the start; at most `count` (1,000), and of one account if given. Rejects with the client's error.
 */
export async function listDeadLetters(
  of: DeadLettersOf,
  options: { readonly after?: string; readonly count?: number; readonly account?: string } = {},
): Promise<DeadLetter[]> {
  const count = Math.min(options.count ?? 100, MOST_LISTED);
  const after = options.after === undefined ? null : parseId(of, options.after);
  if (options.after !== undefined && after === null) return [];
  const rows = await accountRows(of.client, of.keyPrefix, of);
  const all = [...rows.map(({ account }) => account), ...(of.declaredFor === undefined ? [] : [of.declaredFor])];
  const accounts = options.account === undefined ? [...new Set(all)].toSorted() : [options.account];
  const letters: DeadLetter[] = [];
  for (const account of accounts) {
    if (after !== null && account < after.account) continue;
    const since = after?.account === account ? after : null;
    for (let partition = since?.place.partition ?? 0; partition < of.partitions; partition += 1) {
      const from = partition === since?.place.partition ? `(${since.id}` : '-';
      const { dead } = groupPlace(of, partition, { ...of, account });
      const reply = await of.client.callBuffer('xrange', dead, from, '+', 'COUNT', count - letters.length);
      letters.push(...(reply as readonly RawEntry[]).map((raw) => decode(account, partition, raw).letter));
      if (letters.length >= count) return letters;
    }
  }
  return letters;
}

/** One dead letter with its event; null when there is none of this id. Rejects with the client's error. */
export async function showDeadLetter(of: DeadLettersOf, id: string): Promise<WholeDeadLetter | null> {
  const at = parseId(of, id);
  if (at === null) return null;
  const [raw] = (await of.client.callBuffer('xrange', at.place.dead, at.id, at.id)) as readonly RawEntry[];
  if (raw === undefined) return null;
  const { letter, metaLine, data } = decode(at.account, at.place.partition, raw);
  return { ...letter, metaLine, data };
}

/**
 * Puts a dead letter back at the end of the log, under the same event id. All readers of the log get it there, not only
 * its group. Null when there is none of this id: it never existed, or is back already. Rejects with the client's error.
 */
export async function redriveDeadLetter(of: DeadLettersOf, id: string): Promise<{ readonly entry: string } | null> {
  const at = parseId(of, id);
  const letter = at === null ? null : await showDeadLetter(of, id);
  if (at === null || letter === null) return null;
  const { place } = at;
  const entry = (await runScript(of.client, REDRIVE, {
    keys: [place.dead, place.events],
    args: [at.id, metaElsewhere(letter)],
  })) as Buffer | null;
  return entry === null ? null : { entry: entry.toString() };
}

/**
 * An entry that was written by hand gets its id and its time from its place in the log; both are kept when it moves.
 */
function metaElsewhere({ metaLine, entry, eventId }: WholeDeadLetter): string {
  const meta = decodeMeta(metaLine);
  if (meta === null) return metaLine;
  return encodeMeta({ ...meta, eventId, ingestedAt: meta.ingestedAt || `${splitId(entry)[0]}000` });
}

function parseId(of: DeadLettersOf, id: string): { account: string; place: GroupPlace; id: string } | null {
  const [, account, partition, entry] = DEAD_LETTER_ID.exec(id) ?? [];
  if (account === undefined || partition === undefined || entry === undefined) return null;
  if (Number(partition) >= of.partitions) return null;
  return { account, place: groupPlace(of, Number(partition), { ...of, account }), id: entry };
}

function decode(
  owner: string,
  partition: number,
  [id, fields]: RawEntry,
): { letter: DeadLetter; metaLine: string; data: Buffer } {
  const found = new Map<string, Buffer>();
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const value = fields[index + 1];
    if (value !== undefined) found.set(String(fields[index]), value);
  }
  const text = (field: string) => found.get(field)?.toString() ?? '';
  const meta = decodeMeta(text(META_FIELD));
  const entry = text('entry');
  const letter = {
    id: `${owner}:${partition}:${id.toString()}`,
    entry,
    eventId: meta?.eventId || `${partition}:${entry}`,
    name: meta?.name ?? '',
    account: meta?.account ?? '',
    callId: meta?.callId ?? '',
    reason: text('reason'),
    attempts: Number(text('attempts')),
    error: text('error'),
  };
  return { letter, metaLine: text(META_FIELD), data: found.get(DATA_FIELD) ?? Buffer.alloc(0) };
}
