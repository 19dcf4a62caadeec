import { createHash } from 'node:crypto';
import type { RedisClient } from '../runtime/redis/client.ts';
import { ENTRY_FORMAT } from '../protocol/entry.ts';
import { streamKeys } from '../protocol/keys.ts';
import { defineScript, runScript, runsTogether } from '../runtime/redis/script.ts';
import { ENSURE_LUA, newEpoch } from './provisioning/ensure-stream.ts';
import { trimmedUpTo, type PartitionState } from './continuity.ts';
import type { LogState } from './event-log.ts';
import type { KnownStreams } from './known-streams.ts';

export { ENSURE_LUA, newEpoch };

/** The place of one log in Redis. */
export interface LogPlace {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  readonly partitions: number;
}

/** The same, with the results of each check of the streams. */
export interface FollowedPlace extends LogPlace {
  readonly known: KnownStreams;
}

/**
 * ARGV[4] is the reader's position in this partition, empty for none. ARGV[5] to ARGV[8] are
 * `KnownStreams.argumentsFor`: a cursor key that is created for streams with entries records the time, because clients
 * may have cursors of an earlier version.
 */
const STATE = defineScript(`${ENSURE_LUA}
local info = redis.call('XINFO', 'STREAM', KEYS[1])
local found = {}
for i = 1, #info, 2 do found[info[i]] = info[i + 1] end
local first = found['first-entry']
local holds = 0
if ARGV[4] ~= '' then holds = #redis.call('XRANGE', KEYS[1], ARGV[4], ARGV[4], 'COUNT', 1) end
local record, others = '', 0
if ARGV[5] ~= '' then
  record = redis.call('HGET', KEYS[2], ARGV[5])
  if not record then
    record = ARGV[6]
    if ARGV[7] == '1' and found['entries-added'] > 0 then
      record = string.match(record, '^[^.]+') .. '.' .. redis.call('TIME')[1] .. '000'
    end
    redis.call('HSET', KEYS[2], ARGV[5], record)
  end
  local fields = redis.call('HGETALL', KEYS[2])
  for i = 1, #fields, 2 do
    if string.sub(fields[i], 1, 10) == 'retention:' and fields[i] ~= ARGV[8] then others = others + 1 end
  end
end
return {
  redis.call('HGET', KEYS[2], 'epoch'), first and first[1] or '0-0', found['last-generated-id'],
  found['entries-added'], found['length'], found['max-deleted-entry-id'], holds,
  redis.call('HGET', KEYS[2], 'trimmed') or '', tonumber(redis.call('HGET', KEYS[2], 'removed') or 0),
  record, others,
}`);

const EPOCH = defineScript("return redis.call('HGET', KEYS[1], 'epoch')");

/** Changes the epoch unless another replica has: if two replicas find the same break, one succeeds. */
const RENEW = defineScript(`
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then redis.call('HSET', KEYS[1], 'epoch', ARGV[2]) end
return 1`);

type StateReply = readonly [Buffer, Buffer, Buffer, number, number, Buffer, number, Buffer, number, Buffer, number];

export async function partitionState(
  place: FollowedPlace,
  partition: number,
  positionId: string,
): Promise<PartitionState> {
  const keys = streamKeys(place.keyPrefix, partition);
  const reply = (await runScript(place.client, STATE, {
    keys: [keys.events, keys.meta],
    args: [newEpoch(), String(place.partitions), ENTRY_FORMAT, positionId, ...place.known.argumentsFor(partition)],
  })) as StateReply;
  const [epoch, oldest, newest, added, length, maxDeleted, holds, recorded, removed, record, others] = reply;
  const ends = { oldest: oldest.toString(), newest: newest.toString() };
  place.known.looked(partition, { newest: ends.newest, record: record.toString(), others });
  return {
    ...ends,
    epoch: epoch.toString(),
    added,
    length,
    maxDeleted: maxDeleted.toString(),
    trimmed: trimmedUpTo({ ...ends, added, length, recorded: recorded.toString(), removed }),
    holdsPosition: holds === 1,
  };
}

/**
 * The state of all partitions' streams, which are created when missing. `ids` are a reader's positions. Rejects with
 * the client's error.
 */
export function partitionStates(place: FollowedPlace, ids?: readonly string[]): Promise<PartitionState[]> {
  return Promise.all(
    Array.from({ length: place.partitions }, (_, partition) =>
      partitionState(place, partition, ids?.[partition] ?? ''),
    ),
  );
}

export async function renewEpoch(place: LogPlace, partition: number, old: string): Promise<void> {
  await runScript(place.client, RENEW, {
    keys: [streamKeys(place.keyPrefix, partition).meta],
    args: [old, newEpoch()],
  });
}

/** One epoch for all partitions: 16 characters that change when that of any partition does. */
export function logEpoch(epochs: readonly string[]): string {
  return createHash('sha256').update(epochs.join(',')).digest('base64url').slice(0, 16);
}

/** The epoch of no log when a stream is missing. Rejects with the client's error. */
export async function currentEpoch({ client, keyPrefix, partitions }: LogPlace): Promise<string> {
  const run = runsTogether(client);
  const epochs = Array.from({ length: partitions }, (_, partition) =>
    run(EPOCH, { keys: [streamKeys(keyPrefix, partition).meta], args: [] }),
  );
  return logEpoch((await Promise.all(epochs)).map((epoch) => (Buffer.isBuffer(epoch) ? epoch.toString() : '')));
}

export function logState(states: readonly PartitionState[]): LogState {
  return {
    epoch: logEpoch(states.map((state) => state.epoch)),
    oldest: states.map((state) => state.oldest),
    newest: states.map((state) => state.newest),
    trimmed: states.map((state) => state.trimmed),
  };
}
