/**
 * Redis's clock, as far as an answer of Redis tells it: replicas compare times by it, because their own clocks differ.
 * A time is known within the duration of one command.
 */
export interface RedisClock {
  /** Redis answered `redisNow`; the command was sent and its answer came at these times of our clock. */
  observe(redisNow: number, sentAt: number, receivedAt: number): void;
  /** The earliest that this time of our clock can be; null before the first answer. Unix milliseconds. */
  earliest(time: number): number | null;
  latest(time: number): number | null;
  /** The earliest time of our clock that this time of Redis's can be. */
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
