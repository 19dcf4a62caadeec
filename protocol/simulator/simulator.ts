import { writeCall } from './call-scenario.ts';
import type { SimulatedAccount } from './call-leg.ts';
import { createCallQueue, nextStepAt, type RunningCall } from './call-queue.ts';
import { eventFields, GREGORIAN_OFFSET, type CallFacts } from './event-fields.ts';
import { createRandom } from './random.ts';

export type { SimulatedAccount } from './call-leg.ts';

export interface SimulatorOptions {
  /** The same seed, accounts, rate and start give the same events, byte for byte. */
  readonly seed: number | string;
  /** Every call belongs to one of these, each equally likely; without any, nothing happens. */
  readonly accounts: readonly SimulatedAccount[];
  /** Mean rate of new calls; they arrive as a Poisson process. At 0 nothing happens. */
  readonly callsPerSecond: number;
  /** Unix milliseconds: nothing happens earlier. */
  readonly startAt: number;
  /** Unix milliseconds: no call begins then or later; running ones continue to their end. Default: never. */
  readonly endAt?: number;
  /** Unix milliseconds: earlier events are not returned. Default: all are. */
  readonly tellFrom?: number;
}

export interface SimulatedEvent {
  readonly name: string;
  /** Account id. */
  readonly account: string;
  readonly callId: string;
  /** Unique to the event: the call's random digits, a dash, the event's place in the call. */
  readonly eventId: string;
  /** Unix milliseconds. */
  readonly at: number;
  /** The event's body. */
  readonly json: string;
}

export interface Simulator {
  /**
   * The events up to and including `untilMs` (Unix milliseconds) that were not returned yet, in order of time. The
   * sizes of the steps do not affect the result: each call has its own random source.
   */
  next(untilMs: number): SimulatedEvent[];
  /** Unix milliseconds: nothing happens before, Infinity when nothing happens any more. */
  nextAt(): number;
}

/** Throws a RangeError when the rate is negative or no finite number. */
export function createSimulator(options: SimulatorOptions): Simulator {
  const { seed, accounts, callsPerSecond, startAt, endAt = Infinity, tellFrom = startAt } = options;
  if (!(callsPerSecond >= 0 && Number.isFinite(callsPerSecond))) throw new RangeError('callsPerSecond: 0 or more');
  if (callsPerSecond === 0 || accounts.length === 0) return { next: () => [], nextAt: () => Infinity };
  // The start is part of the seed: a second run must not repeat the ids of the first, which would be duplicates.
  const root = `${seed}/${startAt}`;
  const arrivals = createRandom(`${root}/arrivals`);
  const gap = () => arrivals.exponential(1_000 / callsPerSecond);
  const running = createCallQueue();
  let started = 0;
  let arrivesAt = startAt + gap();

  const startCalls = (untilMs: number) => {
    for (let at = Math.floor(arrivesAt); at <= untilMs && at < endAt; at = Math.floor(arrivesAt)) {
      running.add(startCall(`${root}/${started}`, { number: started, at, accounts }));
      arrivesAt += gap();
      started += 1;
    }
  };

  return {
    next(untilMs) {
      const events: SimulatedEvent[] = [];
      for (;;) {
        // A call that begins before the next event of the others goes first.
        startCalls(Math.min(untilMs, running.nextAt()));
        if (running.nextAt() > untilMs) return events;
        const call = running.take();
        if (nextStepAt(call) >= tellFrom) events.push(eventOf(call));
        call.done += 1;
        if (call.done < call.steps.length) running.add(call);
      }
    },
    nextAt() {
      const at = Math.floor(arrivesAt);
      return Math.min(at < endAt ? at : Infinity, running.nextAt());
    },
  };
}

function startCall(
  seed: string,
  about: { number: number; at: number; accounts: readonly SimulatedAccount[] },
): RunningCall {
  const random = createRandom(seed);
  const account = random.pick(about.accounts);
  const { first, script } = writeCall(random, account, about.at);
  const facts: CallFacts = {
    account,
    firstLeg: first,
    interactionId: `${Math.floor(about.at / 1_000) + GREGORIAN_OFFSET}-${random.hex(8)}`,
  };
  return { number: about.number, steps: script.steps, facts, eventIds: random.hex(24), done: 0 };
}

function eventOf(call: RunningCall): SimulatedEvent {
  const step = call.steps[call.done];
  if (step === undefined) throw new RangeError('the call has no event left');
  return {
    name: step.name,
    account: call.facts.account.id,
    callId: step.leg.callId,
    eventId: `${call.eventIds}-${call.done}`,
    at: step.at,
    json: JSON.stringify(eventFields(step, call.facts)),
  };
}
