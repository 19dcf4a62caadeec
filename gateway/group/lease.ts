import { randomUUID } from 'node:crypto';
import { defineScript, runScript } from '../../runtime/redis/script.ts';
import type { GroupPlace } from './place.ts';

/**
 * KEYS: owner, fence, token. ARGV: replica, time to live in ms, group. Replies the token, or nothing while the lease is
 * taken.
 */
const ACQUIRE = defineScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local token = redis.call('INCR', KEYS[3])
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. token, 'PX', ARGV[2])
redis.call('XGROUP', 'CREATE', KEYS[2], ARGV[3], '$', 'MKSTREAM')
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return token`);

/** KEYS: owner, fence. ARGV: lease. */
const RELEASE = defineScript(`
redis.call('DEL', KEYS[2])
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`);

/**
 * Replies nothing when another replica has the lease, else renews it. KEYS[1] and [2] are owner and fence, ARGV[1] and
 * [2] lease and time to live.
 */
export const HOLD_LUA = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
if redis.call('PEXPIRE', KEYS[2], ARGV[2]) == 0 then
  redis.call('DEL', KEYS[1])
  return false
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
`;

/**
 * The right to read a partition for a group. Every script compares it, so commands of a former owner change nothing;
 * every turn renews it. XREADGROUP is not in a script, because events would be copied into Lua and back, which costs
 * four times the read. Instead it names the lease's fence as a second stream, and Redis refuses the whole command once
 * the fence is gone.
 */
export interface Lease {
  /** `<replica>:<token>`. */
  readonly value: string;
  readonly token: number;
  readonly fence: string;
  readonly ttlMs: number;
  /** Until then (monotonic clock) no other replica can have it: after that nothing is written to a connection. */
  validUntil: number;
}

/** Safety margin taken off the time to live for clock drift and the time to reach the socket. */
const MARGIN = 0.1;

/** The lease holds at least until then when a script that renewed it was sent at `sentAt`. */
export function validUntil(sentAt: number, ttlMs: number): number {
  return sentAt + ttlMs * (1 - MARGIN);
}

/** Null while another replica has it. Rejects with the client's error. */
export async function acquireLease(
  place: GroupPlace,
  options: { replica: string; ttlMs: number },
): Promise<Lease | null> {
  const { replica, ttlMs } = options;
  const sentAt = performance.now();
  const fence = place.fence(randomUUID());
  const token = await runScript(place.client, ACQUIRE, {
    keys: [place.owner, fence, place.token],
    args: [replica, String(ttlMs), place.name],
  });
  if (typeof token !== 'number') return null;
  return { value: `${replica}:${token}`, token, fence, ttlMs, validUntil: validUntil(sentAt, ttlMs) };
}

/** Releases it, if this replica still has it. Rejects with the client's error: the lease then expires by itself. */
export async function releaseLease(place: GroupPlace, lease: Lease): Promise<void> {
  await runScript(place.client, RELEASE, { keys: [place.owner, lease.fence], args: [lease.value] });
}
