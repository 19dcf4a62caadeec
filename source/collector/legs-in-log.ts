import type { RedisClient } from '../../runtime/redis/client.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import type { sourceKeys } from '../../protocol/keys.ts';
import type { MappedEvent } from '../mapper.ts';

/** A leg that the log has begun and not ended. */
export interface LegInLog {
  readonly create: { readonly account: string; readonly eventId: string; readonly json: string };
  readonly isAnswered: boolean;
}

/**
 * KEYS: lead, legs. ARGV: lease, number of fields to remove, these fields, then fields and values. Replies 0 without
 * the lease.
 */
const NOTE = defineScript(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local gone = tonumber(ARGV[2])
for i = 3, 2 + gone do redis.call('HDEL', KEYS[2], ARGV[i]) end
for i = 3 + gone, #ARGV, 2 do redis.call('HSET', KEYS[2], ARGV[i], ARGV[i + 1]) end
return 1`);

/** Follows a Call-ID: the leg was answered. No mapper puts a line feed into a Call-ID that has such a field. */
const ANSWERED = '\nanswered';
const MOST_IN_A_CALL = 1_000;

/**
 * The legs that are open in the log, kept in Redis. When all replicas were gone, a source that starts reads from it
 * which legs the log has begun, and finds which ended in the meantime (S3).
 */
export class LegsInLog {
  readonly #client: RedisClient;
  readonly #keys: readonly [lead: string, legs: string];
  /** Fields to be written; null: to be removed. */
  readonly #changes = new Map<string, string | null>();

  constructor(client: RedisClient, keys: ReturnType<typeof sourceKeys>, endpoint: string) {
    this.#client = client;
    this.#keys = [keys.lead(endpoint), keys.legs(endpoint)];
  }

  /** Notes an event that the log has. */
  note({ name, callId, account, eventId, json }: MappedEvent): void {
    if (name === 'CHANNEL_CREATE') this.#changes.set(callId, JSON.stringify({ account, eventId, json }));
    else if (name === 'CHANNEL_ANSWER') this.#changes.set(callId + ANSWERED, '1');
    else if (name === 'CHANNEL_DESTROY') {
      this.#changes.set(callId, null);
      this.#changes.set(callId + ANSWERED, null);
    }
  }

  /**
   * Writes the noted changes. After a failure or a lost lease, the next call writes them. Rejects with the client's
   * error.
   */
  async flush(lease: string): Promise<void> {
    while (this.#changes.size > 0) {
      const part = [...this.#changes].slice(0, MOST_IN_A_CALL);
      const gone = part.flatMap(([field, value]) => (value === null ? [field] : []));
      const written = part.flatMap(([field, value]) => (value === null ? [] : [field, value]));
      const args = [lease, String(gone.length), ...gone, ...written];
      if ((await runScript(this.#client, NOTE, { keys: this.#keys, args })) !== 1) return;
      for (const [field, value] of part) if (this.#changes.get(field) === value) this.#changes.delete(field);
    }
  }

  /** Another replica may have led: its notes on a leg count. An ended leg stays ended. */
  forgetLegs(): void {
    for (const [field, value] of this.#changes) if (value !== null) this.#changes.delete(field);
  }

  /** Rejects with the client's error. */
  async read(): Promise<ReadonlyMap<string, LegInLog>> {
    const all = await this.#client.hgetall(this.#keys[1]);
    const legs = new Map<string, LegInLog>();
    for (const [callId, text] of Object.entries(all)) {
      if (callId.endsWith(ANSWERED)) continue;
      const create = JSON.parse(text) as LegInLog['create'];
      legs.set(callId, { create, isAnswered: `${callId}${ANSWERED}` in all });
    }
    return legs;
  }
}
