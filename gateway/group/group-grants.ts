import type { RedisClient } from '../../runtime/redis/client.ts';
import { createHash } from 'node:crypto';
import { resourceKeys } from '../../protocol/keys.ts';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import type { Grant } from '../auth/grant.ts';
import { viewKey } from '../fanout/view.ts';

/**
 * Which grant the connections of a group have now, by replica, each for a while. KEYS: the hash. ARGV: replica, grant,
 * time to live in ms. The clock is Redis's. Replies 0 when another replica has connections of another grant.
 */
const CLAIM = defineScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HGETALL', KEYS[1])
for i = 1, #held, 2 do
  local ends, grant = string.match(held[i + 1], '^(%d+):(.*)$')
  if not ends or tonumber(ends) < now then redis.call('HDEL', KEYS[1], held[i])
  elseif held[i] ~= ARGV[1] and grant ~= ARGV[2] then return 0 end
end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now + ARGV[3]) .. ':' .. ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1`);

export interface GroupGrantsPlace {
  readonly client: RedisClient;
  readonly keyPrefix: string;
  /** `<namespace>/<name>`. */
  readonly resource: string;
  readonly replica: string;
}

/** A grant in few bytes: the same for the same accounts and events, in whatever order. */
export function grantDigest(grant: Grant): string {
  return createHash('sha256').update(viewKey(grant, 'plain')).digest('base64url');
}

/**
 * Claims or renews this replica's word that its connections of the group have this grant. False when those of another
 * replica have another. Rejects with the client's error.
 */
export async function claimGrant(
  place: GroupGrantsPlace,
  claim: { group: string; digest: string; ttlMs: number },
): Promise<boolean> {
  const key = resourceKeys(place.keyPrefix, place.resource).groupGrants(claim.group);
  const reply = await runScript(place.client, CLAIM, {
    keys: [key],
    args: [place.replica, claim.digest, String(claim.ttlMs)],
  });
  return reply === 1;
}

/** This replica has no connection of the group any more. Rejects with the client's error: the claim then ends by itself. */
export async function withdrawGrant(place: GroupGrantsPlace, group: string): Promise<void> {
  await place.client.hdel(resourceKeys(place.keyPrefix, place.resource).groupGrants(group), place.replica);
}
