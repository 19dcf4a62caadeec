import type { sourceKeys } from '../../protocol/keys.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { RedisClient } from '../../runtime/redis/client.ts';
import type { RingBudget } from './kept.ts';
import type { CollectorObserver } from './observer.ts';
import type { Waker } from './waker.ts';

/** Shared by the endpoints of one collector. More than eight members: each is created once. */
export interface CollectorContext {
  /** `<namespace>/<name>`. */
  readonly source: string;
  readonly replica: string;
  readonly client: RedisClient;
  readonly keys: ReturnType<typeof sourceKeys>;
  readonly budget: RingBudget;
  readonly observer: CollectorObserver;
  readonly logger: Logger;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly elapsed: () => number;
  readonly random?: () => number;
  readonly startedAt: number;
  readonly leaseMs: number;
  readonly turnMs: number;
  /** Wakes the loop that publishes. */
  readonly waker: Waker;
  /** The ring is over its limit. */
  readonly onFull: () => void;
}
