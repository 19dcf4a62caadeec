import { defineScript, runScript } from '../../runtime/redis/script.ts';
import type { GroupPlace } from './place.ts';

/** KEYS: owner, token. ARGV: replica, time to live in ms. The token, or nothing when somebody has the lease. */
const ACQUIRE = defineScript(`
if redis.call('EXISTS', KEYS[1]) == 1 then return false end
local token = redis.call('INCR', KEYS[2])
redis.call('SET', KEYS[1], ARGV[1] .. ':' .. token, 'PX', ARGV[2])
return token`);

/** KEYS: owner. ARGV: lease. */
const RELEASE = defineScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0`);

/**
 * The right to read a partition for a group. Every script compares it, so what a former owner still sends changes
 * nothing; it is renewed by every turn.
 */
export interface Lease {
  /** `<replica>:<token>`. */
  readonly value: string;
  readonly token: number;
  readonly ttlMs: number;
  /** Until then (monotonic clock) nobody else can have it: after that nothing is written to a connection. */
  validUntil: number;
}

/** Of the time to live, what is left out of account for clocks that do not run alike and for the way to a socket. */
const MARGIN = 0.1;

/** The lease holds at least until then when a script that renewed it was sent at `sentAt`. */
export function validUntil(sentAt: number, ttlMs: number): number {
  return sentAt + ttlMs * (1 - MARGIN);
}

/** Null while another one has it. Rejects with the client's error. */
export async function acquireLease(
  place: GroupPlace,
  options: { replica: string; ttlMs: number },
): Promise<Lease | null> {
  const { replica, ttlMs } = options;
  const sentAt = performance.now();
  const token = await runScript(place.client, ACQUIRE, {
    keys: [place.owner, place.token],
    args: [replica, String(ttlMs)],
  });
  if (typeof token !== 'number') return null;
  return { value: `${replica}:${token}`, token, ttlMs, validUntil: validUntil(sentAt, ttlMs) };
}

/** Gives it up, if it is still ours. Rejects with the client's error: the lease then ends by itself. */
export async function releaseLease(place: GroupPlace, lease: Lease): Promise<void> {
  await runScript(place.client, RELEASE, { keys: [place.owner], args: [lease.value] });
}
