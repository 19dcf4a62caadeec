import { rowOf, toneOf, type EventRow, type EventTone } from '../live/event-row.ts';
import { text, type Json } from '../base/read.ts';

/** One event of a call, in its place. */
export interface Step {
  readonly row: EventRow;
  readonly event: Json;
  /** Unix milliseconds. */
  readonly at: number;
  /** Milliseconds since the step before; null for the first one. */
  readonly sinceMs: number | null;
  /** Lane of its leg, from 1: the switch is lane 0. */
  readonly lane: number;
  /** Lane of the other leg, where the event connects two. */
  readonly otherLane: number | null;
  readonly direction: 'to_switch' | 'to_leg';
  readonly tone: EventTone;
}

export interface Leg {
  readonly callId: string;
  readonly lane: number;
  /** Who is at its end. */
  readonly party: string;
  readonly isInbound: boolean;
  /** What the leg did, in order; the last one is open while the leg lives. */
  readonly phases: readonly Phase[];
}

export interface Phase {
  readonly state: PhaseState;
  readonly from: number;
  /** Null: it lasts. */
  readonly to: number | null;
  /** Steps between which it lies. */
  readonly firstStep: number;
  readonly lastStep: number | null;
}
type PhaseState = 'ringing' | 'answered' | 'held' | 'parked';

export interface Ladder {
  readonly legs: readonly Leg[];
  readonly steps: readonly Step[];
}

const STARTS: Readonly<Record<string, PhaseState>> = {
  CHANNEL_CREATE: 'ringing',
  CHANNEL_ANSWER: 'answered',
  CHANNEL_UNHOLD: 'answered',
  PARK_RETRIEVED: 'answered',
  CHANNEL_HOLD: 'held',
  PARK_PARKED: 'parked',
};
const CONNECTS = new Set(['CHANNEL_BRIDGE', 'CHANNEL_UNBRIDGE']);
/** What a leg's own end does; all else is said by the switch to it, and the reverse of a leg that the switch called. */
const BY_LEG = new Set(['CHANNEL_CREATE', 'CHANNEL_HOLD', 'CHANNEL_UNHOLD', 'DTMF', 'CHANNEL_DESTROY']);
const BY_CALLED_LEG = new Set(['CHANNEL_ANSWER', 'CHANNEL_PROGRESS', 'CHANNEL_PROGRESS_MEDIA']);

/**
 * The events of a call as a ladder: a lane for the switch and one for each leg. Events come in any order and more than once: each is
 * there once, by the time at which the log got it. Pure.
 */
export function ladderOf(events: readonly Json[]): Ladder {
  const known = new Map<string, { row: EventRow; event: Json; at: number }>();
  for (const event of events) {
    const row = rowOf(event);
    const at = Date.parse(row.at ?? '');
    if (row.call !== null && !Number.isNaN(at) && !known.has(row.id)) known.set(row.id, { row, event, at });
  }
  const ordered = [...known.values()].sort((a, b) => a.at - b.at || (a.row.at ?? '').localeCompare(b.row.at ?? ''));
  const lanes = new Map<string, number>();
  for (const { row } of ordered) if (!lanes.has(row.call ?? '')) lanes.set(row.call ?? '', lanes.size + 1);
  const steps = ordered.map(({ row, event, at }, index): Step => {
    const before = ordered[index - 1];
    const other = CONNECTS.has(row.name) ? text(event['Other-Leg-Call-ID']) : null;
    return {
      row,
      event,
      at,
      sinceMs: before === undefined ? null : at - before.at,
      lane: lanes.get(row.call ?? '') ?? 0,
      otherLane: other === null ? null : (lanes.get(other) ?? null),
      direction: directionOf(row.name, text(event['Call-Direction']) !== 'outbound'),
      tone: toneOf(row),
    };
  });
  return { steps, legs: [...lanes].map(([callId, lane]) => legOf(callId, lane, steps)) };
}

function directionOf(name: string, isInbound: boolean): Step['direction'] {
  if (name === 'CHANNEL_CREATE' && !isInbound) return 'to_leg';
  if (BY_LEG.has(name)) return 'to_switch';
  return !isInbound && BY_CALLED_LEG.has(name) ? 'to_switch' : 'to_leg';
}

function legOf(callId: string, lane: number, steps: readonly Step[]): Leg {
  const own = steps.map((step, index) => ({ step, index })).filter(({ step }) => step.lane === lane);
  const isInbound = own.every(({ step }) => text(step.event['Call-Direction']) !== 'outbound');
  const phases: Phase[] = [];
  const end = (at: number, index: number) => {
    const open = phases.at(-1);
    if (open !== undefined && open.to === null) phases[phases.length - 1] = { ...open, to: at, lastStep: index };
  };
  for (const { step, index } of own) {
    const state = STARTS[step.row.name];
    if (state === undefined && step.row.name !== 'CHANNEL_DESTROY') continue;
    end(step.at, index);
    if (state !== undefined) phases.push({ state, from: step.at, to: null, firstStep: index, lastStep: null });
  }
  const rows = own.map(({ step }) => step.row);
  const party = rows.map((row) => (isInbound ? row.from : row.to)).find((said) => said !== null);
  return { callId, lane, isInbound, phases, party: party ?? callId };
}
