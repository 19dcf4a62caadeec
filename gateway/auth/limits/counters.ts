import { resourceKeys } from '../../../protocol/keys.ts';
import type { RedisClient } from '../../../runtime/redis/client.ts';
import { MemoryCounter } from './memory-counter.ts';
import { createStepper, type Stepper } from './redis-steps.ts';

/** A counter of one key. */
export interface Counted {
  /** 0 where there is none. */
  readonly count: number;
  /** Milliseconds until it ends. */
  readonly leftMs: number;
}

/** Counters of one kind, by key. Each ends by itself. Nothing rejects. */
export interface Counter {
  see(key: string): Promise<Counted>;
  /** `lastsS` is the lifetime in seconds of a counter that begins with it. A negative `by` begins none. */
  add(key: string, by: number, lastsS: number): Promise<Counted>;
  /** Begins a counter of 1, in place of what there was. */
  put(key: string, lastsS: number): Promise<void>;
  drop(key: string): Promise<void>;
}

/**
 * Where counters are kept: in Redis, so that they hold over all replicas, and in this process alone while it is away.
 */
export interface CounterPlace {
  /** Null: this process is the only replica. */
  readonly redis: RedisClient | null;
  readonly prefix: string;
  readonly resource: string;
}

/** Makes the counters of one kind, under keys of the resource. */
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

/** While Redis is away, which its client has logged, the counters of this process are in force. */
function inRedis(steps: Stepper, prefix: string, own: Counter): Counter {
  const keyOf = (key: string) => `${prefix}:${key}`;
  return {
    see: (key) => steps({ act: 'see', key: keyOf(key), by: 0, lastsS: 0 }).catch(() => own.see(key)),
    add: (key, by, lastsS) => steps({ act: 'add', key: keyOf(key), by, lastsS }).catch(() => own.add(key, by, lastsS)),
    async put(key, lastsS) {
      // What this process has put is there when Redis goes away.
      await own.put(key, lastsS);
      await steps({ act: 'put', key: keyOf(key), by: 1, lastsS }).catch(() => undefined);
    },
    async drop(key) {
      await own.drop(key);
      await steps({ act: 'drop', key: keyOf(key), by: 0, lastsS: 0 }).catch(() => undefined);
    },
  };
}

/** Takes one of `points`. Returns 0 when there was one left, else the milliseconds to wait. */
export async function takePoint(
  counter: Counter,
  key: string,
  { points, lastsS }: { readonly points: number; readonly lastsS: number },
): Promise<number> {
  const { count, leftMs } = await counter.add(key, 1, lastsS);
  return count <= points ? 0 : Math.max(1, leftMs);
}
