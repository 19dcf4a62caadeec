import { createRandom } from '../../protocol/simulator/random.ts';
import type { SwitchEvent } from '../mapper.ts';
import type { Recording } from './recordings.ts';

/** Ids of legs and bridges, of the event socket, of AMI and of ARI. */
const ID_KEYS = /^(Unique-ID|Uniqueid|Channel-Call-UUID|Linkedid|BridgeUniqueid|id)$/;
const CORE = '00000000-0000-4000-8000-00000000000';
/** Unix microseconds, close to the time of the recordings. */
const START_MICROS = 1_795_986_000_000_000;
const SPACING_MICROS = 10;

export interface ManyCalls {
  /** How many copies of each recording. */
  readonly copies: number;
  readonly seed: string;
  /** The life of the switch; default: the first. */
  readonly life?: number;
  /** Number of the first event of FreeSWITCH, when earlier events exist in this life. */
  readonly first?: number;
}

/**
 * Copies of the calls of these recordings under ids of their own, as one switch would send them: interleaved at random
 * by the seed, each call in its order, by one clock. `life` is that of the switch.
 */
export function manyCalls(
  recordings: readonly Recording[],
  { copies, seed, life = 1, first = 1_000 }: ManyCalls,
): readonly SwitchEvent[] {
  const random = createRandom(seed);
  const calls = recordings.flatMap((recording) =>
    Array.from({ length: copies }, () => copyOf(recording, random.hex(8))),
  );
  const events: SwitchEvent[] = [];
  while (calls.length > 0) {
    const at = random.integer(0, calls.length - 1);
    const [next, ...rest] = calls[at] ?? [];
    if (next === undefined) calls.splice(at, 1);
    else {
      calls[at] = rest;
      const numbered = 'Event-Sequence' in next ? { 'Event-Sequence': String(first + events.length) } : {};
      const core = 'Core-UUID' in next ? { 'Core-UUID': `${CORE}${life}` } : {};
      events.push({ ...next, ...numbered, ...core, ...timed(next, first + events.length) });
    }
  }
  return events;
}

/** One clock for all calls, as a switch has. Events follow each other too closely for a wait to end by it. */
function timed(event: SwitchEvent, number: number): SwitchEvent {
  const micros = String(START_MICROS + number * SPACING_MICROS);
  if ('Event-Date-Timestamp' in event) return { 'Event-Date-Timestamp': micros };
  if ('Timestamp' in event) return { Timestamp: `${micros.slice(0, -6)}.${micros.slice(-6)}` };
  // The clock of ARI has a resolution of milliseconds.
  const date = new Date(START_MICROS / 1_000 + number);
  return 'timestamp' in event ? { timestamp: date.toISOString().replace('Z', '+0000') } : {};
}

/** ARI's events contain channels and bridges as objects. */
function noteIds(value: object, ids: Set<string>): void {
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === 'object' && inner !== null) noteIds(inner as object, ids);
    else if (ID_KEYS.test(key) && typeof inner === 'string' && inner.length > 8) ids.add(inner);
  }
}

/** The events of a recording with other ids. */
function copyOf({ events }: Recording, suffix: string): SwitchEvent[] {
  const ids = new Set<string>();
  for (const { event } of events) {
    noteIds(event, ids);
  }
  let text = JSON.stringify(events.map(({ event }) => event));
  // A longer id may begin with a shorter one.
  for (const id of [...ids].toSorted((one, other) => other.length - one.length)) {
    text = text.replaceAll(`"${id}"`, `"${id}.${suffix}"`);
  }
  return JSON.parse(text) as SwitchEvent[];
}
