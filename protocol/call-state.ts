import { SWITCH_FIELD } from './switch-field.ts';
import { callText, isLeg, TOUCH_MS, type CallRecord, type CallState, type LegName } from './call.ts';

/** An event of the log, as far as the state of its leg depends on it. */
export interface LegEvent extends LegName {
  readonly name: string;
  readonly eventId: string;
  /** When the log got it, Unix milliseconds. */
  readonly at: number;
  /** The event itself; empty for events that do not change a state. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The leg after an event: a record, null when the leg has ended, undefined when nothing is to be written. */
export type Reduced = CallRecord | null | undefined;

/** What an event does to a leg, and whether it adds an unknown leg to the table. */
interface Effect {
  readonly learns: boolean;
  /** The state that the event reports. */
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

/** For a known leg these report nothing new: its CREATE did. */
const SAYS_NOTHING_NEW: ReadonlySet<string> = new Set(['CHANNEL_CREATE', 'CHANNEL_PROGRESS', 'CHANNEL_PROGRESS_MEDIA']);

/** Whether events of this name change a leg, or end it: of all others only name and time count. */
export function changesCall(name: string): boolean {
  return name === 'CHANNEL_DESTROY' || Object.hasOwn(EFFECTS, name);
}

/** Whether an event changes nothing, whatever its fields are: they need not be read. */
export function changesNothing(before: CallRecord | undefined, { name, at }: Pick<LegEvent, 'name' | 'at'>): boolean {
  if (before === undefined) return !Object.hasOwn(EFFECTS, name) || EFFECTS[name]?.learns !== true;
  return SAYS_NOTHING_NEW.has(name) && before.state !== 'uncertain' && at - before.last_ms < TOUCH_MS;
}

/**
 * The state of a leg after an event, from its state before. Pure, and a function of the log alone. A table that begins
 * in the middle of a call adds the leg at the first event that shows its existence. Events after a leg's end
 * (RECORD_STOP, PARK_ABANDONED, UNBRIDGE) do not revive it.
 */
export function reduceCall(before: CallRecord | undefined, event: LegEvent): Reduced {
  if (event.name === 'CHANNEL_DESTROY') return before === undefined ? undefined : null;
  const effect = Object.hasOwn(EFFECTS, event.name) ? EFFECTS[event.name] : undefined;
  if (before === undefined) return effect?.learns === true && isLeg(event) ? learn(event, effect) : undefined;
  // Any event of an uncertain leg, except another loss, shows that its switch is back.
  const found = before.state === 'uncertain' && event.name !== 'CHANNEL_DISCONNECTED' ? recovered(before, event) : null;
  if (effect === undefined || SAYS_NOTHING_NEW.has(event.name)) return found ?? touched(before, event);
  return changed(found ?? before, event, effect);
}

function learn(event: LegEvent, effect: Effect): CallRecord | undefined {
  const fields = event.fields;
  if (fields['Channel-Answer-State'] === 'hangup') return undefined;
  const state = effect.state ?? (fields['Channel-Answer-State'] === 'answered' ? 'answered' : 'ringing');
  const at = rfc3339(event.at);
  const empty: Draft = {
    call_id: event.callId,
    account_id: event.account,
    state,
    direction: null,
    from: null,
    to: null,
    caller_number: null,
    caller_name: null,
    callee_number: null,
    callee_name: null,
    dialled_number: null,
    owner_id: null,
    device_id: null,
    interaction_id: null,
    other_call_id: null,
    parking_slot: null,
    recording: false,
    created_at: createdAt(fields, event.at),
    answered_at: null,
    state_since: at,
    switch: null,
    last_event_id: event.eventId,
    began_id: event.eventId,
    last_ms: event.at,
    state_before: null,
  };
  addFields(empty, event.name, fields);
  enter(empty, event, state);
  return empty;
}

/** A record while it is made. One copy of it is a third of the cost of a change. */
type Draft = { -readonly [Key in keyof CallRecord]: CallRecord[Key] };

function changed(before: CallRecord, event: LegEvent, effect: Effect): CallRecord {
  const next: Draft = { ...before };
  addFields(next, event.name, event.fields);
  enter(next, event, effect.state ?? before.state);
  next.last_event_id = event.eventId;
  next.last_ms = event.at;
  return next;
}

/** Nothing changed; the time of the event is written only when the record's time is too old. */
function touched(before: CallRecord, event: LegEvent): CallRecord | undefined {
  return event.at - before.last_ms >= TOUCH_MS ? { ...before, last_ms: event.at } : undefined;
}

function recovered(before: CallRecord, event: LegEvent): CallRecord {
  const at = { state_since: rfc3339(event.at), last_event_id: event.eventId, last_ms: event.at };
  return { ...before, ...at, state: before.state_before ?? 'answered', state_before: null };
}

function enter(call: Draft, event: LegEvent, state: CallState): void {
  const isNew = state !== call.state;
  const isAnswer = call.answered_at === null && state !== 'ringing' && state !== 'uncertain';
  if (isNew || isAnswer) {
    const at = rfc3339(event.at);
    if (isNew) call.state_since = at;
    if (isAnswer) call.answered_at = at;
  }
  if (state !== 'uncertain') call.state_before = null;
  else if (isNew) call.state_before = call.state;
  if (state !== 'parked' && state !== 'uncertain') call.parking_slot = null;
  call.state = state;
}

type Fields = Readonly<Record<string, unknown>>;

/** Data from the event; values that the event lacks remain. */
function addFields(call: Draft, name: string, fields: Fields): void {
  const ids = (fields['Custom-Channel-Vars'] ?? {}) as Fields;
  const direction = fields['Call-Direction'];
  if (direction === 'inbound' || direction === 'outbound') call.direction = direction;
  // After a bridge a switch no longer sends these: the first values count.
  call.from ??= callText(fields['From']);
  call.to ??= callText(fields['To']);
  call.dialled_number ??= callText(fields['Caller-Destination-Number']) ?? dialled(fields);
  call.caller_number = callText(fields['Caller-ID-Number']) ?? call.caller_number;
  call.caller_name = callText(fields['Caller-ID-Name']) ?? call.caller_name;
  call.callee_number = callText(fields['Callee-ID-Number']) ?? call.callee_number;
  call.callee_name = callText(fields['Callee-ID-Name']) ?? call.callee_name;
  call.owner_id ??= callText(ids['Owner-ID']);
  call.device_id ??= ids['Authorizing-Type'] === 'device' ? callText(ids['Authorizing-ID']) : null;
  call.interaction_id ??= callText(ids['Call-Interaction-ID']);
  call.other_call_id = otherLeg(call, name, fields);
  if (name === 'PARK_PARKED') call.parking_slot = callText(fields['Parking-Slot']);
  if (name === 'RECORD_START') call.recording = true;
  if (name === 'RECORD_STOP') call.recording = false;
  // An application of the platform publishes PARK_*: its Node is not the switch.
  call.switch ??= callText(fields[SWITCH_FIELD]) ?? (name.startsWith('PARK_') ? null : callText(fields['Node']));
}

const SEPARATE: ReadonlySet<string> = new Set(['CHANNEL_UNBRIDGE', 'CHANNEL_TRANSFEROR', 'CHANNEL_TRANSFEREE']);

function otherLeg(record: CallRecord, name: string, fields: Fields): string | null {
  if (SEPARATE.has(name)) return null;
  if (name === 'CHANNEL_REPLACED') return callText(fields['Replaced-By']);
  if (name === 'CHANNEL_INTERCEPTED') return callText(fields['Intercepted-By']);
  const bridged = callText(fields['Bridge-B-Unique-ID']);
  const other = bridged === record.call_id ? null : bridged;
  return other ?? callText(fields['Other-Leg-Call-ID']) ?? record.other_call_id;
}

function dialled(fields: Fields): string | null {
  const request = callText(fields['Request']);
  return request === null ? null : callText(request.split('@')[0]);
}

const MICROSECONDS = /^\d{16}$/;
/** A switch's clock may be ahead of the log's by this much. */
const CLOCK_MS = 60_000;

/** The switch's own time of the leg's start, unless it lies in the future. */
function createdAt(fields: Fields, at: number): string {
  const micros = callText(fields['Channel-Created-Time']) ?? '';
  const milliseconds = MICROSECONDS.test(micros) ? Math.floor(Number(micros) / 1_000) : at;
  return rfc3339(milliseconds > at + CLOCK_MS ? at : milliseconds);
}

function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
