import { setTimeout as sleep } from 'node:timers/promises';

const KEPT = 200;
const SHARE = 0.9;

/** Recent answer times of a server, so that refusals without a request take as long. */
export interface AnswerTimes {
  add(ms: number): void;
  /**
   * Waits until the time since `start` equals the 90th percentile of answer times, and for some calls one of the longer
   * times.
   */
  even(start: number): Promise<void>;
}

/** `now` in milliseconds of a monotonic clock. */
export function answerTimes(
  now: () => number = () => performance.now(),
  random: () => number = Math.random,
): AnswerTimes {
  const times: number[] = [];
  let at = 0;
  return {
    add(ms) {
      times[at % KEPT] = ms;
      at += 1;
    },
    async even(start) {
      const wait = start + typical(times, random()) - now();
      if (wait > 0) await sleep(wait);
    },
  };
}

/** The 90th percentile, or a slower one of the answers as often as there were any. Pure. */
export function typical(times: readonly number[], chance: number): number {
  const sorted = times.toSorted((one, other) => one - other);
  const common = sorted[Math.max(0, Math.ceil(sorted.length * SHARE) - 1)] ?? 0;
  return Math.max(common, sorted[Math.floor(chance * sorted.length)] ?? 0);
}
