import { createHash } from 'node:crypto';
import type { RedisClient } from '../runtime/redis/client.ts';
import { ENTRY_FORMAT } from '../protocol/entry.ts';
import { streamKeys } from '../protocol/keys.ts';
import { defineScript, runScript } from '../runtime/redis/script.ts';
import { ENSURE_LUA, newEpoch } from './provisioning/ensure-stream.ts';
import { trimmedUpTo, type PartitionState } from './continuity.ts';
import type { LogState } from './event-log.ts';

export { ENSURE_LUA, newEpoch };

/** Where one log lies in Redis. */
export interface LogPlace {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  readonly partitions: number;
}

/** ARGV[4] is the reader's position in this partition, empty for none. */
const STATE = defineScript(`${ENSURE_LUA}
local info = redis.call('XINFO', 'STREAM', KEYS[1])
local found = {}
for i = 1, #info, 2 do found[info[i]] = info[i + 1] end
local first = found['first-entry']
local holds = 0
if ARGV[4] ~= '' then holds = #redis.call('XRANGE', KEYS[1], ARGV[4], ARGV[4], 'COUNT', 1) end
return {
  redis.call('HGET', KEYS[2], 'epoch'), first and first[1] or '0-0', found['last-generated-id'],
  found['entries-added'], found['length'], found['max-deleted-entry-id'], holds,
  redis.call('HGET', KEYS[2], 'trimmed') or '', tonumber(redis.call('HGET', KEYS[2], 'removed') or 0),
}`);

/** Changes the epoch unless somebody else has: of two replicas that find the same break one succeeds. */
const RENEW = defineScript(`
if redis.call('HGET', KEYS[1], 'epoch') == ARGV[1] then redis.call('HSET', KEYS[1], 'epoch', ARGV[2]) end
return 1`);

type StateReply = readonly [Buffer, Buffer, Buffer, number, number, Buffer, number, Buffer, number];

export async function partitionState(place: LogPlace, partition: number, positionId: string): Promise<PartitionState> {
  const keys = streamKeys(place.keyPrefix, partition);
  const reply = (await runScript(place.client, STATE, {
    keys: [keys.events, keys.meta],
    args: [newEpoch(), String(place.partitions), ENTRY_FORMAT, positionId],
  })) as StateReply;
  const [epoch, oldest, newest, added, length, maxDeleted, holds, recorded, removed] = reply;
  const ends = { oldest: oldest.toString(), newest: newest.toString() };
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

/** All partitions' streams, made when missing. `ids` are a reader's positions. Rejects with the client's error. */
export function partitionStates(place: LogPlace, ids?: readonly string[]): Promise<PartitionState[]> {
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

/** One epoch for all: 16 characters that change when that of any partition does. */
export function logState(states: readonly PartitionState[]): LogState {
  const epochs = states.map((state) => state.epoch).join(',');
  return {
    epoch: createHash('sha256').update(epochs).digest('base64url').slice(0, 16),
    oldest: states.map((state) => state.oldest),
    newest: states.map((state) => state.newest),
    trimmed: states.map((state) => state.trimmed),
  };
}
