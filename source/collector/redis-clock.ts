/**
 * Estimates Redis's clock from its answers. Replicas compare times by it, because their own clocks differ. The error is
 * at most the duration of one command.
 */
export interface RedisClock {
  /** Records that Redis answered `redisNow`; the other two are the local times of the command and of its answer. */
  observe(redisNow: number, sentAt: number, receivedAt: number): void;
  /** The earliest Redis time that this local time can be; null before the first answer. Unix milliseconds. */
  earliest(time: number): number | null;
  latest(time: number): number | null;
  /** The earliest local time that this Redis time can be. */
  ours(redisTime: number): number | null;
}

export function createRedisClock(): RedisClock {
  let offsets: { readonly least: number; readonly most: number } | null = null;
  return {
    observe(redisNow, sentAt, receivedAt) {
      offsets = { least: redisNow - receivedAt, most: redisNow - sentAt };
    },
    earliest: (time) => (offsets === null ? null : Math.floor(time + offsets.least)),
    latest: (time) => (offsets === null ? null : Math.ceil(time + offsets.most)),
    ours: (redisTime) => (offsets === null ? null : Math.floor(redisTime - offsets.most)),
  };
}
