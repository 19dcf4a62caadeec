import { setTimeout as delay } from 'node:timers/promises';
import { resourceKeys } from '../../../protocol/keys.ts';
import type { RedisClient } from '../../../runtime/redis/client.ts';
import { redisErrorCode } from '../../../runtime/redis/error-code.ts';

/** Passes a push that reached one replica on to all others. */
export interface RefreshSignal {
  /** Notifies the other replicas. Never rejects: without it they see the change at their next poll. */
  tell(): Promise<void>;
  /** Calls back for each push to another replica, until the signal is aborted. Never rejects. */
  follow(onPush: () => void, signal: AbortSignal): Promise<void>;
}

const LOOK_MS = 250;
const KEPT_MS = 3_600_000;

/** A counter of pushes: Redis users of least privilege have no channels. */
export function redisRefreshSignal(
  redis: RedisClient,
  place: { readonly prefix: string; readonly resource: string },
): RefreshSignal {
  const key = resourceKeys(place.prefix, place.resource).directoryPushes;
  let seen: number | null = null;
  return {
    async tell() {
      try {
        const count = await redis.incr(key);
        // Notifications of others since the last look are kept.
        if (seen !== null && count === seen + 1) seen = count;
        await redis.pexpire(key, KEPT_MS);
      } catch (error) {
        expected(error);
      }
    },
    async follow(onPush, signal) {
      while (!signal.aborted) {
        try {
          const count = Number((await redis.get(key)) ?? 0);
          if (seen !== null && count !== seen && count !== 0) onPush();
          seen = count;
        } catch (error) {
          expected(error);
        }
        await delay(LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
      }
    },
  };
}

/** An outage of Redis, which its client reports; anything else is a defect. */
function expected(error: unknown): void {
  if (redisErrorCode(error) === 'UNKNOWN') throw error;
}
