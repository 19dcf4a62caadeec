import { resourceKeys } from '../../protocol/keys.ts';
import {
  GONE_FIELDS,
  OWN_WEBHOOK_FIELD,
  readOwnWebhookField,
  REVISION_FIELD,
  type OwnWebhookOf,
} from '../../protocol/own-webhook.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import { decodeRecord, type OwnWebhook } from './record.ts';

const CHANGED_LUA = `
local function changed()
  local now = redis.call('TIME')
  redis.call('HSET', KEYS[1], '${REVISION_FIELD}', now[1] .. '.' .. now[2])
end
`;

/**
 * KEYS: the hash. ARGV: field, record, start of the account's fields, most webhooks of the account, most of the
 * resource, start of the fields of deletions, which do not count, and the field of this webhook's deletion.
 */
const CREATE = defineScript(`${CHANGED_LUA}
local own, all = 0, 0
for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
  local isGone = string.sub(field, 1, #ARGV[6]) == ARGV[6]
  if field ~= '${REVISION_FIELD}' and not isGone then all = all + 1 end
  if string.sub(field, 1, #ARGV[3]) == ARGV[3] then own = own + 1 end
end
if redis.call('HEXISTS', KEYS[1], ARGV[7]) == 1 then return 'abandoned' end
if own >= tonumber(ARGV[4]) then return 'account_full' end
if all >= tonumber(ARGV[5]) then return 'full' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
changed()
return 'created'`);

/** KEYS: the hash. ARGV: field, record before, record after. */
const CHANGE = defineScript(`${CHANGED_LUA}
local present = redis.call('HGET', KEYS[1], ARGV[1])
if not present then return 'gone' end
if present ~= ARGV[2] then return 'differs' end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
changed()
return 'changed'`);

/** KEYS: the hash. ARGV: field, field of the deletion. Replies 1 when there was such a webhook. */
const REMOVE = defineScript(`${CHANGED_LUA}
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], ARGV[2], redis.call('TIME')[1])
changed()
return 1`);

/** The same for a webhook whose creation failed: Redis may still execute CREATE after this. Replies 1. */
const ABANDON = defineScript(`${CHANGED_LUA}
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[2], redis.call('TIME')[1])
changed()
return 1`);

/** KEYS: the hash. ARGV: field of the deletion. */
const FORGET = defineScript(`${CHANGED_LUA}
if redis.call('HDEL', KEYS[1], ARGV[1]) == 1 then changed() end
return 1`);

/** All records of a resource, as read from Redis. */
export interface Stored {
  readonly revision: string;
  readonly webhooks: readonly OwnWebhook[];
  /** Deleted ones, of which something may be left in Redis. */
  readonly gone: readonly OwnWebhookOf[];
  /** Of a later version, or damaged: they stay as they are. */
  readonly unreadable: readonly OwnWebhookOf[];
}

export interface Quota {
  readonly maxPerAccount: number;
  readonly maxTotal: number;
}

/** The self-service webhooks of a resource, in one hash in Redis. All methods reject with the client's error. */
export class OwnWebhookStore {
  readonly #client: RedisClient;
  readonly #key: string;

  constructor(client: RedisClient, { prefix, resource }: { readonly prefix: string; readonly resource: string }) {
    this.#client = client;
    this.#key = resourceKeys(prefix, resource).ownWebhooks;
  }

  /** Null when nothing has changed since that revision. */
  async read(known: string | null): Promise<Stored | null> {
    const revision = (await this.#client.hget(this.#key, REVISION_FIELD)) ?? '';
    if (revision === known) return null;
    const { [REVISION_FIELD]: read = '', ...rest } = await this.#client.hgetall(this.#key);
    const webhooks: OwnWebhook[] = [];
    const gone: OwnWebhookOf[] = [];
    const unreadable: OwnWebhookOf[] = [];
    for (const [field, text] of Object.entries(rest)) {
      const found = readOwnWebhookField(field);
      if (found === null) continue;
      const { account, id, isGone } = found;
      const of = { account, id };
      const webhook = isGone ? null : decodeRecord(of, text);
      if (webhook !== null) webhooks.push(webhook);
      else (isGone ? gone : unreadable).push(of);
    }
    return { revision: read, webhooks, gone, unreadable };
  }

  /** `abandoned`: the caller gave it up, and this command comes late. */
  async create({ text, ...of }: OwnWebhook, quota: Quota): Promise<'created' | 'account_full' | 'full' | 'abandoned'> {
    const field = OWN_WEBHOOK_FIELD.of(of);
    const limits = [String(quota.maxPerAccount), String(quota.maxTotal)];
    const reply = await this.#run(CREATE, [
      field,
      text,
      `${of.account}/`,
      ...limits,
      GONE_FIELDS,
      OWN_WEBHOOK_FIELD.gone(of),
    ]);
    return reply as 'created' | 'account_full' | 'full' | 'abandoned';
  }

  /** `differs`: another change came first. */
  async change(before: OwnWebhook, text: string): Promise<'changed' | 'differs' | 'gone'> {
    const reply = await this.#run(CHANGE, [OWN_WEBHOOK_FIELD.of(before), before.text, text]);
    return reply as 'changed' | 'differs' | 'gone';
  }

  /** False when there was no such webhook. */
  async remove(of: OwnWebhookOf): Promise<boolean> {
    return (await this.#run(REMOVE, [OWN_WEBHOOK_FIELD.of(of), OWN_WEBHOOK_FIELD.gone(of)])) === '1';
  }

  /** Deletes a webhook whose creation failed; a creation that Redis executes later has no effect. */
  async abandon(of: OwnWebhookOf): Promise<void> {
    await this.#run(ABANDON, [OWN_WEBHOOK_FIELD.of(of), OWN_WEBHOOK_FIELD.gone(of)]);
  }

  /** Removes the field of a deletion, once nothing else of that webhook is left in Redis. */
  async forget(of: OwnWebhookOf): Promise<void> {
    await this.#run(FORGET, [OWN_WEBHOOK_FIELD.gone(of)]);
  }

  async #run(script: Parameters<typeof runScript>[1], args: readonly string[]): Promise<string> {
    return String(await runScript(this.#client, script, { keys: [this.#key], args: [...args] }));
  }
}
