import type { NewEvent } from '../../event-log/event-log.ts';
import { ENDED_MS, encodeGivenEnd } from '../../event-log/late-end.ts';
import { microsecondsNow } from '../../event-log/ingest-time.ts';
import { encodeMeta } from '../../protocol/entry.ts';
import { callKeys, streamKeys } from '../../protocol/keys.ts';
import { defineScript } from '../../runtime/redis/script.ts';
import type { EndOutcome, LegEnd } from './call-table.ts';

/** Most entries that the table may be behind: the script reads all of them. */
const MOST_BEHIND = 500;
const SEEN_MS = 600_000;

/**
 * Appends the end of a leg. KEYS: the table's at, the account's legs, the leg's ended, events, the end's seen. ARGV:
 * epoch, Call-ID, last event and last time of the record, the part that the meta line of each entry of the leg
 * contains, the earliest time in ms, meta, data, the value of `ended` without its id and its time to live, the time to
 * live of `seen`, most entries to read.
 *
 * Conditions: the record is unchanged, the log has no event of the leg that the table lacks, and the leg has no end. So
 * racing keepers, and the switch itself, end a leg once. The time is the log's own.
 */
export const END = defineScript(`
local at = redis.call('GET', KEYS[1]) or ''
local epoch, id, phase = string.match(at, '^(%S+) (%S+) (%S+)')
if epoch ~= ARGV[1] or phase ~= 'live' or redis.call('EXISTS', KEYS[4]) == 0 then return 'later' end
if redis.call('EXISTS', KEYS[3], KEYS[5]) > 0 then return 'not' end
local text = redis.call('HGET', KEYS[2], ARGV[2])
if not text then return 'not' end
local record = cjson.decode(text)
if record.last_event_id ~= ARGV[3] or string.format('%.0f', record.last_ms) ~= ARGV[4] then return 'not' end
local time = redis.call('TIME')
if time[1] * 1000 + math.floor(time[2] / 1000) < tonumber(ARGV[6]) then return 'later' end
local most = tonumber(ARGV[12])
local entries = redis.call('XRANGE', KEYS[4], '(' .. id, '+', 'COUNT', most)
if #entries == most then return 'later' end
for _, entry in ipairs(entries) do
  for field = 1, #entry[2], 2 do
    if entry[2][field] == 'm' and string.find(entry[2][field + 1] .. '\\t', ARGV[5], 1, true) then return 'later' end
  end
end
local new = redis.call('XADD', KEYS[4], '*', 'm', ARGV[7], 'd', ARGV[8])
redis.call('SET', KEYS[3], new .. ARGV[9], 'PX', ARGV[10])
redis.call('SET', KEYS[5], new .. ':end', 'PX', ARGV[11])
return 'ended'`);

/** Inputs of the script for a leg of a partition. */
export function endInput(keyPrefix: string, partition: number, { at, record, event, notBefore, lateEnd }: LegEnd) {
  const { account, callId, eventId } = event;
  const table = callKeys(keyPrefix, partition);
  const stream = streamKeys(keyPrefix, partition);
  return {
    keys: [table.at, table.legs(account), stream.ended(account, callId), stream.events, stream.seen(account, eventId)],
    args: [
      at.epoch,
      callId,
      record.last_event_id,
      String(record.last_ms),
      legInMeta(event),
      String(notBefore),
      encodeMeta({ ...event, ingestedAt: microsecondsNow() }),
      event.data,
      encodeGivenEnd({ id: '', lateEnd }),
      String(ENDED_MS),
      String(SEEN_MS),
      String(MOST_BEHIND + 1),
    ],
  };
}

/** Account and Call-ID as they are between the tabs of a meta line. */
function legInMeta({ account, callId }: Pick<NewEvent, 'account' | 'callId'>): string {
  const line = encodeMeta({ name: '', account, callId, eventId: '', ingestedAt: '', traceparent: '' });
  return line.slice(line.indexOf('\t', 2), line.length - 2);
}

export function endOutcome(reply: unknown): EndOutcome {
  const word = String(reply);
  return word === 'ended' || word === 'not' ? word : 'later';
}
