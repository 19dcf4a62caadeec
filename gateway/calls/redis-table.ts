import { decodeCall, encodeCall, legKey } from '../../protocol/call.ts';
import { callKeys, streamKeys } from '../../protocol/keys.ts';
import { LogUnavailable } from '../../event-log/event-log.ts';
import { decodeGivenEnd } from '../../event-log/late-end.ts';
import type { LogPlace } from '../../event-log/partition-state.ts';
import { redisErrorCode } from '../../runtime/redis/error-code.ts';
import { outageCode } from '../../runtime/redis/outage.ts';
import { defineScript, runScript, runsTogether, type Script } from '../../runtime/redis/script.ts';
import {
  LEGS_PER_ACCOUNT,
  SLICE_ACCOUNTS,
  SLICE_LEGS,
  type CallTable,
  type LegEnd,
  type Slice,
  type SlicePlace,
  type TableAt,
  type TableStep,
} from './call-table.ts';
import { END, endInput, endOutcome } from './end-script.ts';
import type { KnownLeg } from './reduce-entries.ts';
import { EncodedRecords } from './slice-records.ts';

/** First comparison of every script. KEYS[1] is the table's `at`, ARGV[1] the expected value. */
const COMPARE = `if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return false end\n`;

/**
 * KEYS: at, then each leg's hash and its `ended`. ARGV: at, then each leg's Call-ID, with a `1` before it where its end
 * is requested in any case. Replies a record and the entry id of an end for each leg, empty when absent; nothing when
 * the table has moved on.
 */
const LOOK = defineScript(`${COMPARE}
local found = {}
for i = 2, #ARGV do
  local record = redis.call('HGET', KEYS[2 * i - 2], string.sub(ARGV[i], 2)) or ''
  local ended = ''
  if record == '' or string.sub(ARGV[i], 1, 1) == '1' then ended = redis.call('GET', KEYS[2 * i - 1]) or '' end
  found[2 * i - 3], found[2 * i - 2] = record, ended
end
return found`);

/** KEYS: each leg's `ended`. Replies an entry id for each leg, empty when absent. */
const ENDED = defineScript(`
local found = {}
for i, key in ipairs(KEYS) do found[i] = redis.call('GET', key) or '' end
return found`);

/**
 * KEYS: at, accounts, the stream, then each leg's hash. ARGV: at, the new one, its time to live, most legs of an
 * account, the number of entries that must exist, their ids, then account, Call-ID and record (empty: removed) of each
 * leg. Replies how many legs were left out because their account has too many; nothing when the table has moved on, or
 * an entry is gone.
 */
const WRITE = defineScript(`${COMPARE}
local held = 5 + tonumber(ARGV[5])
for i = 6, held do
  if #redis.call('XRANGE', KEYS[3], ARGV[i], ARGV[i]) == 0 then return false end
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
local most, refused = tonumber(ARGV[4]), 0
for i = 4, #KEYS do
  local at = held + 3 * i - 11
  if ARGV[at + 2] ~= '' then
    if redis.call('HSET', KEYS[i], ARGV[at + 1], ARGV[at + 2]) == 1 then
      if redis.call('HLEN', KEYS[i]) > most then
        redis.call('HDEL', KEYS[i], ARGV[at + 1])
        refused = refused + 1
      else
        redis.call('SADD', KEYS[2], ARGV[at])
      end
    end
  elseif redis.call('HDEL', KEYS[i], ARGV[at + 1]) == 1 and redis.call('EXISTS', KEYS[i]) == 0 then
    redis.call('SREM', KEYS[2], ARGV[at])
  end
end
return refused`);

/** KEYS: at. ARGV: at, the new one (empty: none), its time to live. */
const BEGIN = defineScript(`${COMPARE}
if ARGV[2] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1`);

/** KEYS: at, accounts, then hashes of accounts. ARGV: at, then these accounts. Replies how many accounts are left. */
const DROP = defineScript(`${COMPARE}
for i = 3, #KEYS do
  redis.call('DEL', KEYS[i])
  redis.call('SREM', KEYS[2], ARGV[i - 1])
end
return redis.call('SCARD', KEYS[2])`);

/**
 * Reads some legs of accounts. KEYS: at, the stream's meta, then accounts' hashes. ARGV: most legs, the place in the first
 * hash. A hash that fits is read whole, a larger one by HSCAN: a leg that exists during the whole read is in at least one
 * slice. Replies at, the number of accounts that were read, the place in the next one, the stream's epoch, and the
 * records, one on each line: one long text costs a client a tenth of many short ones.
 */
const SLICE = defineScript(`
local at = redis.call('GET', KEYS[1])
if not at then return false end
local most, place = tonumber(ARGV[1]), ARGV[2]
local found, done = {}, 0
local left = most
for i = 3, #KEYS do
  if place == '0' and redis.call('HLEN', KEYS[i]) <= left then
    local records = redis.call('HVALS', KEYS[i])
    for _, record in ipairs(records) do found[#found + 1] = record end
    left = left - #records
    done = done + 1
  elseif left < most then
    break
  else
    local page = redis.call('HSCAN', KEYS[i], place, 'COUNT', most)
    for field = 2, #page[2], 2 do found[#found + 1] = page[2][field] end
    place = page[1]
    if place == '0' then done = done + 1 end
    break
  end
end
return { at, done, place, redis.call('HGET', KEYS[2], 'epoch') or '', table.concat(found, '\\n') }`);

/** A table without a keeper expires after this time: longer than a log is likely to be away. */
const KEPT_MS = 604_800_000;
const DROPPED_ACCOUNTS = 20;
const SCAN_COUNT = 1_000;

/** The table in Redis, beside the log's streams. It is lost only together with them. */
export function createRedisTable(place: LogPlace, legsPerAccount = LEGS_PER_ACCOUNT): CallTable {
  const share = String(Math.ceil(legsPerAccount / place.partitions));
  const keysOf = (partition: number) => callKeys(place.keyPrefix, partition);
  const run: Run = (script, keys, args) => available(place, () => runScript(place.client, script, { keys, args }));
  const together = runTogether(place);
  return {
    ...keptTable(place, run),
    ...knownTable(place, run),
    async at(partition) {
      return decodeAt(await available(place, () => place.client.get(keysOf(partition).at)));
    },
    async write(partition, { from, to, changes, holds = [] }: TableStep) {
      const { at, accounts, legs } = keysOf(partition);
      const keys = [at, accounts, streamKeys(place.keyPrefix, partition).events];
      const args = [encodeAt(from), encodeAt(to), String(KEPT_MS), share, String(holds.length), ...holds];
      for (const { account, callId, record } of changes) {
        keys.push(legs(account));
        args.push(account, callId, record === null ? '' : encodeCall(record));
      }
      const refusedLegs = await run(WRITE, keys, args);
      return refusedLegs === null ? null : { refusedLegs: Number(refusedLegs) };
    },
    async begin(partition, from, at) {
      return (await run(BEGIN, [keysOf(partition).at], [encodeAt(from), encodeAt(at), String(KEPT_MS)])) !== null;
    },
    async drop(partition, at) {
      const keys = keysOf(partition);
      const [, found] = await available(place, () => place.client.sscan(keys.accounts, '0', 'COUNT', DROPPED_ACCOUNTS));
      const left = await run(DROP, [keys.at, keys.accounts, ...found.map(keys.legs)], [encodeAt(at), ...found]);
      return left === null ? null : left === 0;
    },
    accounts: (partition) => available(place, () => scanAccounts(place, keysOf(partition).accounts)),
    async slice(partition, accounts, from) {
      const { at, legs } = keysOf(partition);
      const wanted = accounts.slice(from.account, from.account + SLICE_ACCOUNTS).map(legs);
      const keys = [at, streamKeys(place.keyPrefix, partition).meta, ...wanted];
      const reply = await together(SLICE, keys, [String(SLICE_LEGS), from.leg]);
      return reply === null ? null : sliceOf(reply as SliceReply, accounts, from);
    },
  };
}

type Run = (script: Script, keys: readonly string[], args: readonly (string | Buffer)[]) => Promise<unknown>;

/** Requests of partitions in the same turn are sent by one write. */
function runTogether(place: LogPlace): Run {
  const together = runsTogether(place.client);
  return (script, keys, args) => available(place, () => together(script, { keys, args }));
}

/** What is known of single legs. */
function knownTable(place: LogPlace, run: Run): Pick<CallTable, 'look' | 'ended'> {
  const keysOf = (partition: number) => callKeys(place.keyPrefix, partition);
  return {
    async look(partition, at, legs) {
      const { at: key, legs: hash } = keysOf(partition);
      const { ended } = streamKeys(place.keyPrefix, partition);
      const keys = legs.flatMap(({ account, callId }) => [hash(account), ended(account, callId)]);
      const args = legs.map(({ callId, ends }) => `${ends ? 1 : 0}${callId}`);
      const reply = (await run(LOOK, [key, ...keys], [encodeAt(at), ...args])) as readonly Buffer[] | null;
      return (
        reply && new Map(legs.map((leg, index) => [legKey(leg), knownLeg(reply[2 * index], reply[2 * index + 1])]))
      );
    },
    async ended(partition, legs) {
      if (legs.length === 0) return new Map();
      const { ended } = streamKeys(place.keyPrefix, partition);
      const keys = legs.map(({ account, callId }) => ended(account, callId));
      const reply = (await run(ENDED, keys, [])) as readonly Buffer[];
      return new Map(
        legs.flatMap((leg, index) => {
          const end = decodeGivenEnd(reply[index]?.toString() ?? '');
          return end === null ? [] : [[legKey(leg), end.id] as const];
        }),
      );
    },
  };
}

/** Time to live of a table, and of the ends of its legs. */
function keptTable(place: LogPlace, run: Run): Pick<CallTable, 'end' | 'touch' | 'idleMs' | 'forget'> {
  const keysOf = (partition: number) => callKeys(place.keyPrefix, partition);
  return {
    async end(partition, end: LegEnd) {
      const { keys, args } = endInput(place.keyPrefix, partition, end);
      return endOutcome(await run(END, keys, args));
    },
    async touch(partition) {
      await available(place, () => place.client.pexpire(keysOf(partition).at, KEPT_MS));
    },
    async idleMs(partition) {
      const left = await available(place, () => place.client.pttl(keysOf(partition).at));
      if (left === -2) return null;
      return left < 0 ? 0 : KEPT_MS - left;
    },
    async forget(partition, at) {
      return (await run(BEGIN, [keysOf(partition).at], [encodeAt(at), ''])) !== null;
    },
  };
}

async function scanAccounts({ client }: LogPlace, key: string): Promise<readonly string[]> {
  const accounts = new Set<string>();
  let cursor = '0';
  do {
    const [next, page] = await client.sscan(key, cursor, 'COUNT', SCAN_COUNT);
    for (const account of page) accounts.add(account);
    cursor = next;
  } while (cursor !== '0');
  return [...accounts];
}

type SliceReply = readonly [at: Buffer, done: number, leg: Buffer, epoch: Buffer, records: Buffer];

function sliceOf(reply: SliceReply, accounts: readonly string[], from: SlicePlace): Slice | null {
  const [text, done, leg, epoch, records] = reply;
  const at = decodeAt(text.toString());
  if (at === null) return null;
  const account = from.account + done;
  return {
    at,
    streamEpoch: epoch.toString(),
    records: new EncodedRecords(records),
    next: account >= accounts.length ? null : { account, leg: leg.toString() },
  };
}

function knownLeg(record: Buffer | undefined, ended: Buffer | undefined): KnownLeg {
  return {
    record: decodeCall(record?.toString() ?? '') ?? undefined,
    endedAt: decodeGivenEnd(ended?.toString() ?? '')?.id ?? null,
  };
}

const PHASES = ['dropping', 'building', 'live'] as const;

function encodeAt(at: TableAt | null): string {
  return at === null ? '' : [at.epoch, at.id, at.phase, at.until].join(' ');
}

/** Null when absent, and for a value that no version of this code wrote: the table then starts anew. */
function decodeAt(text: string | null): TableAt | null {
  const [epoch = '', id = '', word = '', until = ''] = (text ?? '').split(' ');
  const phase = PHASES.find((one) => one === word);
  return phase === undefined ? null : { epoch, id, phase, until };
}

async function available<T>({ client }: LogPlace, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const code = redisErrorCode(error);
    throw new LogUnavailable(code === 'UNREACHABLE' ? (outageCode(client) ?? code) : code);
  }
}
