import { resourceKeys } from '../../../protocol/keys.ts';
import type { RedisClient } from '../../../runtime/redis/client.ts';
import { MemoryCounter } from './memory-counter.ts';
import { createStepper, type Stepper } from './redis-steps.ts';

/** A counter of one key. */
export interface Counted {
  /** 0 when there is none. */
  readonly count: number;
  /** Milliseconds until it expires. */
  readonly leftMs: number;
}

/** Counters of one kind, by key. Each expires by itself. Nothing rejects. */
export interface Counter {
  see(key: string): Promise<Counted>;
  /** `lastsS` is the lifetime in seconds of a counter that this call starts. A negative `by` starts none. */
  add(key: string, by: number, lastsS: number): Promise<Counted>;
  /** Starts a counter at 1, and replaces an existing one. */
  put(key: string, lastsS: number): Promise<void>;
  drop(key: string): Promise<void>;
}

/**
 * Where counters are kept: in Redis, so that they hold over all replicas, and only in this process while Redis is away.
 */
export interface CounterPlace {
  /** Null: this process is the only replica. */
  readonly redis: RedisClient | null;
  readonly prefix: string;
  readonly resource: string;
}

/** Creates the counters of one kind, under keys of the resource. */
export type CounterOf = (name: string) => Counter;

export function createCounters({ redis, prefix, resource }: CounterPlace): CounterOf {
  const steps = redis === null ? null : createStepper(redis);
  return (name) => {
    const own = inProcess(new MemoryCounter());
    return steps === null ? own : inRedis(steps, resourceKeys(prefix, resource).limit(name), own);
  };
}

function inProcess(counter: MemoryCounter): Counter {
  return {
    see: async (key) => counter.see(key, performance.now()),
    add: async (key, by, lastsS) => counter.add(key, { by, lastsS }, performance.now()),
    put: async (key, lastsS) => counter.put(key, lastsS, performance.now()),
    drop: async (key) => counter.drop(key),
  };
}

/** While Redis is away, which its client has logged, the counters of this process apply. */
function inRedis(steps: Stepper, prefix: string, own: Counter): Counter {
  const keyOf = (key: string) => `${prefix}:${key}`;
  return {
    see: (key) => steps({ act: 'see', key: keyOf(key), by: 0, lastsS: 0 }).catch(() => own.see(key)),
    add: (key, by, lastsS) => steps({ act: 'add', key: keyOf(key), by, lastsS }).catch(() => own.add(key, by, lastsS)),
    async put(key, lastsS) {
      // Counts of this process remain available when Redis goes away.
      await own.put(key, lastsS);
      await steps({ act: 'put', key: keyOf(key), by: 1, lastsS }).catch(() => undefined);
    },
    async drop(key) {
      await own.drop(key);
      await steps({ act: 'drop', key: keyOf(key), by: 0, lastsS: 0 }).catch(() => undefined);
    },
  };
}

/** Takes one of `points`. Returns 0 when one was left, else the milliseconds to wait. */
export async function takePoint(
  counter: Counter,
  key: string,
  { points, lastsS }: { readonly points: number; readonly lastsS: number },
): Promise<number> {
  const { count, leftMs } = await counter.add(key, 1, lastsS);
  return count <= points ? 0 : Math.max(1, leftMs);
}
