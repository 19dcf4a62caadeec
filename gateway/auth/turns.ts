import { FairQueue } from './fair-queue.ts';

export interface TurnsOptions {
  /** Concurrent turns. */
  readonly concurrency: number;
  /** How many may wait. */
  readonly queue: number;
  /** Longest wait, milliseconds. */
  readonly patienceMs: number;
}

/** Runs a few at a time, in fair order. */
export interface Turns {
  /** False when the queue was full, or no turn came in time. */
  take(lanes: readonly string[]): Promise<boolean>;
  /** Ends a turn that was taken. */
  give(): void;
  readonly waiting: number;
}

export function createTurns({ concurrency, queue: most, patienceMs }: TurnsOptions): Turns {
  const queue = new FairQueue<(hasTurn: boolean) => void>(most);
  let running = 0;
  return {
    get waiting() {
      return queue.size;
    },
    take(lanes) {
      if (running < concurrency) {
        running += 1;
        return Promise.resolve(true);
      }
      return new Promise((resolve) => {
        const finish = (hasTurn: boolean) => {
          clearTimeout(patience);
          resolve(hasTurn);
        };
        const patience = setTimeout(() => {
          queue.remove(finish);
          resolve(false);
        }, patienceMs).unref();
        queue.push(finish, lanes)?.(false);
      });
    },
    give() {
      // The turn goes to the next waiting one instead of back to the pool: a newcomer cannot overtake.
      const next = queue.shift();
      if (next === undefined) running -= 1;
      else next(true);
    },
  };
}
