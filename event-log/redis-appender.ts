import { randomBytes, randomUUID } from 'node:crypto';
import { ENTRY_FORMAT, encodeMeta } from '../protocol/entry.ts';
import { BEFORE_EVERYTHING } from '../protocol/position.ts';
import { streamKeys, type StreamKeys } from '../protocol/keys.ts';
import { becomesReady } from '../runtime/redis/client.ts';
import { redisErrorCode, replyWasLost } from '../runtime/redis/error-code.ts';
import { outageCode } from '../runtime/redis/outage.ts';
import { defineScript, runScript, runScriptReplicated } from '../runtime/redis/script.ts';
import type { AppendOutcome, NewEvent } from './event-log.ts';
import { correctionOf, decodeGivenEnd, isEnd, lateOutcome } from './late-end.ts';
import { microsecondsNow } from './ingest-time.ts';
import { outsideOfSpans } from '../runtime/telemetry/span.ts';
import { ENSURE_LUA, newEpoch, type LogPlace } from './partition-state.ts';

const BATCH = 100;
const SEEN_MS = 600_000;
const RETRIES = 2;
const RECONNECT_WAIT_MS = 2_000;

/**
 * Appends events in order. KEYS: events, meta, then a seen key for each event, then an ended key for each that ends a
 * leg. ARGV: epoch, partitions, format, seen TTL, the batch's name, `1` when it waits for replicas, then meta and data
 * of each event. Replies `A<id>`, `D<id>`, `L<synthetic end>` for the end of a leg that has a synthetic one, which is
 * not written, or, as the last element, `E<error>`. When it waits for replicas, a known event is written again, because
 * they must have it. XADD comes before SET: an XADD that fails (OOM, WRONGTYPE) leaves nothing marked as seen.
 */
const APPEND = defineScript(`${ENSURE_LUA}
local replies = {}
local count = (#ARGV - 6) / 2
local ends = 2 + count
for i = 3, 2 + count do
  local at, ended = 7 + (i - 3) * 2, nil
  if string.sub(ARGV[at], 1, 18) == '1\tCHANNEL_DESTROY\t' then
    ends = ends + 1
    ended = redis.call('GET', KEYS[ends])
  end
  local mine = ':' .. ARGV[5] .. (i - 3)
  local seen = redis.call('GET', KEYS[i])
  if seen then
    local colon = string.find(seen, ':', 1, true)
    if ARGV[6] == '1' then redis.call('PEXPIRE', KEYS[i], ARGV[4]) end
    local own = string.sub(seen, colon) == mine
    replies[i - 2] = (own and 'A' or 'D') .. string.sub(seen, 1, colon - 1)
  elseif ended then
    replies[i - 2] = 'L' .. ended
  else
    local id = redis.pcall('XADD', KEYS[1], '*', 'm', ARGV[at], 'd', ARGV[at + 1])
    if type(id) == 'table' then
      replies[i - 2] = 'E' .. id.err
      return replies
    end
    redis.call('SET', KEYS[i], id .. mine, 'PX', ARGV[4])
    replies[i - 2] = 'A' .. id
  end
end
return replies`);

export interface AppendPlace extends LogPlace {
  /** How many replicas must have an event before it is acknowledged; default 0. */
  readonly waitReplicas?: number;
  /**
   * Whether the server is still the master, which replicas alone do not show; true where there can be no other master.
   */
  readonly confirm?: () => Promise<boolean>;
}

/** The result of a batch: a reply for each event, and why there are fewer. */
interface Sent {
  readonly replies: readonly string[];
  readonly code: string;
}

interface Waiting {
  readonly event: NewEvent;
  readonly finish: (outcome: AppendOutcome) => void;
}

/**
 * The append queue of one partition: one script call at a time, so that no event overtakes an earlier one (I2); later
 * events go with the next call. After a failure every waiting event fails too: it came after the failed one, and must
 * not be written before that is tried again.
 */
export class RedisAppender {
  readonly #place: AppendPlace;
  readonly #partition: number;
  readonly #keys: StreamKeys;
  #waiting: Waiting[] = [];
  #busy = false;

  constructor(place: AppendPlace, partition: number) {
    this.#place = place;
    this.#partition = partition;
    this.#keys = streamKeys(place.keyPrefix, partition);
  }

  append(event: NewEvent): Promise<AppendOutcome> {
    return new Promise((finish) => {
      this.#waiting.push({ event, finish });
      if (this.#busy) return;
      this.#busy = true;
      // The rest of the caller's events is pushed before the first batch is taken. One drain also serves later appends
      // of other requests, so it belongs to no request's trace.
      outsideOfSpans(() => queueMicrotask(() => void this.#drain()));
    });
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH);
      const failure = await this.#send(batch);
      if (failure === null) continue;
      const behind = this.#waiting;
      this.#waiting = [];
      for (const one of behind) one.finish({ outcome: 'failed', code: failure });
    }
    this.#busy = false;
  }

  /** Finishes the batch; returns the code of the failure when one event, or all, failed. */
  async #send(batch: readonly Waiting[]): Promise<string | null> {
    const sent = await this.#call(batch.map((one) => one.event));
    const replies = sent.replies;
    const failedAt = replies.findIndex((reply) => reply.startsWith('E'));
    const rest = failedAt === -1 ? sent.code : redisErrorCode(new Error(replies[failedAt]?.slice(1)));
    batch.forEach((one, index) => {
      const reply = failedAt === -1 || index < failedAt ? replies[index] : undefined;
      if (reply === undefined) return one.finish({ outcome: 'failed', code: rest });
      if (reply.startsWith('L')) return this.#endedLate(one, reply.slice(1));
      const outcome = reply.startsWith('A') ? 'accepted' : 'duplicate';
      return one.finish({ outcome, partition: this.#partition, id: reply.slice(1) });
    });
    return failedAt === -1 && replies.length === batch.length ? null : rest;
  }

  /** Its leg has ended already: the data of the real end goes with the next batch, under a different name. */
  #endedLate({ event, finish }: Waiting, text: string): void {
    const end = decodeGivenEnd(text) ?? { id: BEFORE_EVERYTHING, lateEnd: 'Drop' as const };
    const done: AppendOutcome = { outcome: 'duplicate', partition: this.#partition, id: end.id };
    const correction = correctionOf(event, end);
    if (correction === null) return finish(lateOutcome(done, end));
    this.#waiting.push({ event: correction, finish: (outcome) => finish(lateOutcome(outcome, end)) });
  }

  /**
   * Sends a batch, and sends it again under the same name when the reply was lost: the log then recognises the events
   * that it has.
   */
  async #call(events: readonly NewEvent[]): Promise<Sent> {
    const input = this.#input(events);
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#run(input);
      } catch (error) {
        const code = redisErrorCode(error);
        const again = replyWasLost(code) && attempt < RETRIES;
        if (again && (await becomesReady(this.#place.client, RECONNECT_WAIT_MS))) continue;
        return { replies: [], code: code === 'UNREACHABLE' ? (outageCode(this.#place.client) ?? code) : code };
      }
    }
  }

  /**
   * Returns no replies when the batch may be in the log but is not acknowledged: too few replicas have it, or it may be
   * lost with its master.
   */
  async #run(input: { keys: readonly string[]; args: readonly (string | Buffer)[] }): Promise<Sent> {
    const { client, waitReplicas = 0, confirm } = this.#place;
    if (waitReplicas === 0)
      return { replies: ((await runScript(client, APPEND, input)) as readonly Buffer[]).map(String), code: 'UNKNOWN' };
    const outcome = await runScriptReplicated(client, APPEND, { ...input, replicas: waitReplicas });
    if (outcome.replicas < waitReplicas) return { replies: [], code: 'NOREPLICAS' };
    if (confirm !== undefined && !(await confirm())) return { replies: [], code: 'FAILOVER' };
    return { replies: (outcome.reply as readonly Buffer[]).map(String), code: 'UNKNOWN' };
  }

  #input(events: readonly NewEvent[]) {
    const keys = [this.#keys.events, this.#keys.meta];
    const name = randomBytes(6).toString('base64url');
    const { partitions, waitReplicas = 0 } = this.#place;
    const args: (string | Buffer)[] = [newEpoch(), String(partitions), ENTRY_FORMAT, String(SEEN_MS), name];
    args.push(waitReplicas > 0 ? '1' : '0');
    for (const event of events) {
      // An event without an id cannot be recognised again: its key is unique.
      keys.push(this.#keys.seen(event.account, event.eventId === '' ? randomUUID() : event.eventId));
      args.push(encodeMeta({ ...event, ingestedAt: microsecondsNow() }), event.data);
    }
    for (const event of events) if (isEnd(event)) keys.push(this.#keys.ended(event.account, event.callId));
    return { keys, args };
  }
}
