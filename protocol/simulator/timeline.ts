import type { SimulatedAccount } from './call-leg.ts';
import { createSimulator, type SimulatedEvent, type Simulator } from './simulator.ts';

export interface TimelineOptions {
  /** The same seed, accounts and rate give the same calls at the same time, independent of the start of a process. */
  readonly seed: string;
  readonly accounts: readonly SimulatedAccount[];
  readonly callsPerSecond: number;
  /** Unix milliseconds: earlier events are not returned. */
  readonly from: number;
}

/** Calls that begin in one window belong together. */
const WINDOW_MS = 60_000;
/** No call is longer, except for about one in a million: an answered one takes 40 s on average. */
const LONGEST_CALL_MS = 600_000;

/**
 * The calls of a simulation without a start: time is cut into windows, each with a simulator whose seed is the window's
 * place in time. So a process that restarts, and a second one beside it, produce the same calls with the same ids. A
 * simulator that starts with its process would leave calls without an end and begin others. Throws as `createSimulator`
 * does.
 */
export function createTimeline(options: TimelineOptions): Pick<Simulator, 'next'> {
  const { accounts, callsPerSecond, from } = options;
  // Different calls at once when accounts or rate change: an id never has two contents.
  const seed = JSON.stringify([options.seed, callsPerSecond, accounts]);
  const windows: Simulator[] = [];
  let opensAt = Math.floor((from - LONGEST_CALL_MS) / WINDOW_MS) * WINDOW_MS;
  return {
    next(untilMs) {
      for (; opensAt <= untilMs; opensAt += WINDOW_MS) {
        const endAt = opensAt + WINDOW_MS;
        windows.push(createSimulator({ seed, accounts, callsPerSecond, startAt: opensAt, endAt, tellFrom: from }));
      }
      const events = windows.flatMap((window) => window.next(untilMs));
      for (let index = windows.length - 1; index >= 0; index -= 1) {
        if (windows[index]?.nextAt() === Infinity) windows.splice(index, 1);
      }
      // Events of one call belong to one window and stay in order: sorting is stable.
      return events.sort(byTime);
    },
  };
}

function byTime(one: SimulatedEvent, other: SimulatedEvent): number {
  return one.at - other.at;
}
