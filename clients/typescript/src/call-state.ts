import { emptyCall, type Call, type CallState } from './call.ts';
import type { EventItem } from './items.ts';

/** What an event does to a leg, and whether it adds an unknown leg. */
interface Effect {
  readonly learns: boolean;
  readonly state?: CallState;
}

const EFFECTS: Readonly<Record<string, Effect>> = {
  CHANNEL_CREATE: { learns: true },
  CHANNEL_PROGRESS: { learns: true },
  CHANNEL_PROGRESS_MEDIA: { learns: true },
  CHANNEL_ANSWER: { learns: true, state: 'answered' },
  CHANNEL_BRIDGE: { learns: true, state: 'answered' },
  CHANNEL_UNHOLD: { learns: true, state: 'answered' },
  PARK_RETRIEVED: { learns: true, state: 'answered' },
  CHANNEL_HOLD: { learns: true, state: 'held' },
  PARK_PARKED: { learns: true, state: 'parked' },
  CHANNEL_UNBRIDGE: { learns: false },
  CHANNEL_REPLACED: { learns: false },
  CHANNEL_INTERCEPTED: { learns: false },
  CHANNEL_TRANSFEROR: { learns: false },
  CHANNEL_TRANSFEREE: { learns: false },
  CHANNEL_DISCONNECTED: { learns: false, state: 'uncertain' },
  RECORD_START: { learns: false },
  RECORD_STOP: { learns: false },
};
/** For a known leg these change nothing. */
const SAYS_NOTHING_NEW = new Set(['CHANNEL_CREATE', 'CHANNEL_PROGRESS', 'CHANNEL_PROGRESS_MEDIA']);
const SEPARATE = new Set(['CHANNEL_UNBRIDGE', 'CHANNEL_TRANSFEROR', 'CHANNEL_TRANSFEREE']);
const MOST_TEXT = 256;
const MICROSECONDS = /^\d{16}$/;
const CLOCK_MS = 60_000;

type Fields = Readonly<Record<string, unknown>>;

/** A leg, and the state of an `uncertain` one before that; null where a snapshot lacked it. */
export interface Leg {
  readonly call: Call;
  readonly stateBefore: CallState | null;
}

/**
 * The leg after an event, as in the gateway's table (L15): null when it has ended, undefined when nothing changed.
 * Pure. `clients/calls.test.ts` of the project compares it with the gateway's table.
 */
export function reduceCall(before: Leg | undefined, item: EventItem): Leg | null | undefined {
  const name = item.event['Event-Name'];
  if (name === 'CHANNEL_DESTROY') return before === undefined ? undefined : null;
  const effect = Object.hasOwn(EFFECTS, name) ? EFFECTS[name] : undefined;
  if (before === undefined) return effect?.learns === true ? learnt(item, effect) : undefined;
  const recovers = before.call.state === 'uncertain' && name !== 'CHANNEL_DISCONNECTED';
  const found = recovers ? recovered(before, item) : null;
  if (effect === undefined || SAYS_NOTHING_NEW.has(name)) return found ?? undefined;
  const leg = found ?? before;
  const state = effect.state ?? leg.call.state;
  const next = withState({ ...leg, call: withFields(leg.call, name, item.event) }, state, timeOf(item));
  return { ...next, call: { ...next.call, last_event_id: item.id } };
}

function learnt(item: EventItem, effect: Effect): Leg | undefined {
  const fields: Fields = item.event;
  const callId = fields['Call-ID'];
  const answer = fields['Channel-Answer-State'];
  if (item.account === null || typeof callId !== 'string' || callId === '' || answer === 'hangup') return undefined;
  const at = timeOf(item);
  const empty = emptyCall({ callId, account: item.account, eventId: item.id }, at);
  const state = effect.state ?? (answer === 'answered' ? 'answered' : 'ringing');
  const call = { ...withFields(empty, item.event['Event-Name'], fields), created_at: createdAt(fields, at) };
  return withState({ call, stateBefore: null }, state, at);
}

function recovered({ call, stateBefore }: Leg, item: EventItem): Leg {
  const guessed = call.parking_slot !== null ? 'parked' : call.answered_at === null ? 'ringing' : 'answered';
  const state = stateBefore ?? guessed;
  return {
    call: { ...call, state, state_since: timeOf(item), last_event_id: item.id },
    stateBefore: null,
  };
}

function withState({ call, stateBefore }: Leg, state: CallState, at: string): Leg {
  const isNew = state !== call.state;
  return {
    call: {
      ...call,
      state,
      state_since: isNew ? at : call.state_since,
      answered_at: call.answered_at ?? (state === 'ringing' || state === 'uncertain' ? null : at),
      parking_slot: state === 'parked' || state === 'uncertain' ? call.parking_slot : null,
    },
    stateBefore: state !== 'uncertain' ? null : isNew ? call.state : stateBefore,
  };
}

function withFields(call: Call, name: string, fields: Fields): Call {
  const ids = (fields['Custom-Channel-Vars'] ?? {}) as Fields;
  const direction = fields['Call-Direction'];
  return {
    ...call,
    direction: direction === 'inbound' || direction === 'outbound' ? direction : call.direction,
    // After a bridge a switch no longer sends these: the first values count.
    from: call.from ?? textOf(fields['From']),
    to: call.to ?? textOf(fields['To']),
    dialled_number: call.dialled_number ?? textOf(fields['Caller-Destination-Number']) ?? dialled(fields),
    caller_number: textOf(fields['Caller-ID-Number']) ?? call.caller_number,
    caller_name: textOf(fields['Caller-ID-Name']) ?? call.caller_name,
    callee_number: textOf(fields['Callee-ID-Number']) ?? call.callee_number,
    callee_name: textOf(fields['Callee-ID-Name']) ?? call.callee_name,
    owner_id: call.owner_id ?? textOf(ids['Owner-ID']),
    device_id: call.device_id ?? (ids['Authorizing-Type'] === 'device' ? textOf(ids['Authorizing-ID']) : null),
    interaction_id: call.interaction_id ?? textOf(ids['Call-Interaction-ID']),
    other_call_id: otherLeg(call, name, fields),
    parking_slot: name === 'PARK_PARKED' ? textOf(fields['Parking-Slot']) : call.parking_slot,
    recording: name === 'RECORD_START' || (name !== 'RECORD_STOP' && call.recording),
    switch: call.switch ?? (name.startsWith('PARK_') ? null : textOf(fields['Node'])),
  };
}

function otherLeg(call: Call, name: string, fields: Fields): string | null {
  if (SEPARATE.has(name)) return null;
  if (name === 'CHANNEL_REPLACED') return textOf(fields['Replaced-By']);
  if (name === 'CHANNEL_INTERCEPTED') return textOf(fields['Intercepted-By']);
  const bridged = textOf(fields['Bridge-B-Unique-ID']);
  const other = bridged === call.call_id ? null : bridged;
  return other ?? textOf(fields['Other-Leg-Call-ID']) ?? call.other_call_id;
}

function textOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value !== 'string' || value === '' ? null : value.slice(0, MOST_TEXT);
}

function dialled(fields: Fields): string | null {
  const request = textOf(fields['Request']);
  return request === null ? null : textOf(request.split('@')[0]);
}

/** To the millisecond, like the times of the table. */
function timeOf({ ingestedAt }: EventItem): string {
  return new Date(ingestedAt ?? Date.now()).toISOString();
}

/** The switch's own time of the leg's start, unless it lies in the future. */
function createdAt(fields: Fields, at: string): string {
  const micros = textOf(fields['Channel-Created-Time']) ?? '';
  if (!MICROSECONDS.test(micros)) return at;
  const milliseconds = Math.floor(Number(micros) / 1_000);
  return milliseconds > Date.parse(at) + CLOCK_MS ? at : new Date(milliseconds).toISOString();
}
