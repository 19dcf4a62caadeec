import type { Fields } from './event-fields.ts';
import type { Leg } from './call-leg.ts';

/** A future event: which leg, when (Unix milliseconds), and its data besides the fields of its leg. */
export interface Step {
  readonly at: number;
  readonly name: string;
  readonly leg: Leg;
  /** The other leg, as far as the switch knows it at this moment. */
  readonly peer: Leg | null;
  readonly extra: Fields;
}

/** Writes the steps of one call; every method advances the call's own time to the step that it writes. */
export interface CallScript {
  readonly steps: readonly Step[];
  now(): number;
  wait(milliseconds: number): void;
  say(name: string, leg: Leg, about?: { readonly peer?: Leg | null; readonly extra?: Fields }): void;
}

/** The clock of a switch advances in steps of 20 ms: two closer steps share their time. */
export const TICK_MS = 20;

export function createScript(startAt: number): CallScript {
  const steps: Step[] = [];
  let time = startAt;
  return {
    steps,
    now: () => time,
    wait(milliseconds) {
      time += Math.max(0, Math.round(milliseconds));
    },
    say(name, leg, about = {}) {
      if (name === 'CHANNEL_PROGRESS') leg.progressAt = time;
      if (name === 'CHANNEL_ANSWER') leg.answeredAt = time;
      steps.push({ at: time, name, leg, peer: about.peer ?? null, extra: about.extra ?? {} });
    },
  };
}
