import { unlessAborted } from '../../runtime/lifecycle/aborted.ts';
import { setTimeout as delay } from 'node:timers/promises';
import type { SimulatedEvent, Simulator } from '../../protocol/simulator/simulator.ts';
import type { AppendOutcome, EventLog, NewEvent } from '../../event-log/event-log.ts';

/** `failed`: refused by the log and kept, counted at each attempt. `dropped`: given up, oldest first. */
export type SimulatorOutcome = AppendOutcome['outcome'] | 'dropped';

export interface SimulatorSourceOptions {
  readonly eventLog: Pick<EventLog, 'append'>;
  /** Produces the events from `startAt` (Unix milliseconds, default now) on. */
  readonly open: (startAt: number) => Pick<Simulator, 'next'>;
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly signal: AbortSignal;
  readonly onOutcome: (outcome: SimulatorOutcome, events: number) => void;
}

const ROUND_MS = 100;
const MAX_BACKLOG = 10_000;
/**
 * The log recognises an event's id for ten minutes: an event that waits half as long may look new when it is appended.
 */
const MAX_AGE_MS = 300_000;
const MAX_APPEND = 500;
/** The longest time that is simulated at once: after a long pause (a laptop asleep) the events of hours are due. */
const MAX_STEP_MS = 1_000;

/**
 * Appends simulated events as they fall due, until the signal aborts. Then it resolves at once, and does not report the
 * outcome of a running append. Appends refused events again under the same ids before anything newer. A call's order
 * holds, because with an event the log also refuses all later ones of its partition.
 */
export async function runSimulator(options: SimulatorSourceOptions): Promise<void> {
  const { open, now, signal } = options;
  let clock = now();
  const simulator = open(clock);
  let backlog: readonly SimulatedEvent[] = [];
  while (!signal.aborted) {
    const until = now();
    while (clock < until) {
      clock = Math.min(clock + MAX_STEP_MS, until);
      backlog = dropOldest([...backlog, ...simulator.next(clock)], until, options);
    }
    backlog = await appendAll(backlog, options);
    await pause(ROUND_MS, signal);
  }
}

/** Puts back what the log has not accepted, in order. */
async function appendAll(
  events: readonly SimulatedEvent[],
  { eventLog, signal, onOutcome }: SimulatorSourceOptions,
): Promise<readonly SimulatedEvent[]> {
  for (let from = 0; from < events.length; from += MAX_APPEND) {
    const part = events.slice(from, from + MAX_APPEND);
    const outcomes = await unlessAborted(eventLog.append(part.map(newEvent)), signal);
    if (outcomes === null) return [];
    for (const kind of ['accepted', 'duplicate', 'failed'] as const) {
      const count = outcomes.filter(({ outcome }) => outcome === kind).length;
      if (count > 0) onOutcome(kind, count);
    }
    const refused = part.filter((_, index) => outcomes[index]?.outcome === 'failed');
    if (refused.length > 0) return [...refused, ...events.slice(from + MAX_APPEND)];
  }
  return [];
}

function dropOldest(backlog: readonly SimulatedEvent[], now: number, { onOutcome }: SimulatorSourceOptions) {
  const oldest = now - MAX_AGE_MS;
  const kept = backlog.slice(-MAX_BACKLOG).filter(({ at }) => at >= oldest);
  if (kept.length < backlog.length) onOutcome('dropped', backlog.length - kept.length);
  return kept;
}

function newEvent({ name, account, callId, eventId, json }: SimulatedEvent): NewEvent {
  return { name, account, callId, eventId, traceparent: '', data: Buffer.from(json) };
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(milliseconds, undefined, { signal });
  } catch (error) {
    // Only an abort rejects this timer, and the abort ends the loop that waits here.
    if (!signal.aborted) throw error;
  }
}
