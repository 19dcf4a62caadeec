import { setTimeout as sleep } from 'node:timers/promises';

const KEPT = 200;
const SHARE = 0.9;

/** How long a server took lately to answer, so that refusals which need no answer take as long. */
export interface AnswerTimes {
  add(ms: number): void;
  /** Waits until as much time has passed since `start` as nine of ten answers took, and some as long as one of the others. */
  even(start: number): Promise<void>;
}

/** `now` in milliseconds of a clock that only rises. */
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
