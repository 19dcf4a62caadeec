import { z } from 'zod';

/** State of a live leg. `uncertain`: its switch was lost, and the state before that is kept. */
const CALL_STATES = ['ringing', 'answered', 'held', 'parked', 'uncertain'] as const;
export type CallState = (typeof CALL_STATES)[number];

/** Most characters of a text in a record; a longer one is cut. */
const MAX_TEXT = 256;
const MAX_CALL_ID = 512;

const unknownText = z.string().max(MAX_CALL_ID).nullable().default(null);
const time = z.iso.datetime();

/**
 * A live leg as clients see it. Every key is always present, and null while unknown. Times are RFC 3339: `created_at`
 * by the switch if it reports one, the others by the log.
 */
const callShape = {
  call_id: z.string().min(1).max(MAX_CALL_ID),
  account_id: z.string().min(1),
  state: z.enum(CALL_STATES),
  direction: z.enum(['inbound', 'outbound']).nullable().default(null),
  from: unknownText,
  to: unknownText,
  caller_number: unknownText,
  caller_name: unknownText,
  callee_number: unknownText,
  callee_name: unknownText,
  dialled_number: unknownText,
  owner_id: unknownText,
  device_id: unknownText,
  interaction_id: unknownText,
  /** The leg that this one is connected to. */
  other_call_id: unknownText,
  parking_slot: unknownText,
  recording: z.boolean().default(false),
  created_at: time,
  answered_at: time.nullable().default(null),
  /** Since when it is in this state. */
  state_since: time,
  /** The switch in its events: a pseudonym, or `Node`. */
  switch: unknownText,
  /** The event that last changed the leg. */
  last_event_id: z.string(),
};
export const callSchema = z.strictObject(callShape);
export type Call = z.output<typeof callSchema>;

/** The keys of a call in the order of the output. */
export const CALL_KEYS = Object.keys(callShape) as readonly (keyof Call)[];

/** Further data of a leg in the table. Keys of a newer version are kept unchanged. */
export interface CallRecord extends Call {
  /** Id of the event that added the leg. */
  readonly began_id: string;
  /** Unix milliseconds, by the log: the leg's last event was then or at most `TOUCH_MS` later. */
  readonly last_ms: number;
  /** The state of an `uncertain` leg before that. */
  readonly state_before: CallState | null;
  readonly [ofANewerVersion: string]: unknown;
}

/** How much older than the leg's last event `last_ms` may be. */
export const TOUCH_MS = 30_000;

/** Omits unknown values, which are most keys of most legs. */
export function encodeCall(record: CallRecord): string {
  const known: Record<string, unknown> = {};
  for (const key in record) {
    const value = record[key];
    if (value !== null && value !== false) known[key] = value;
  }
  return JSON.stringify(known);
}

const NAME_START = '{"call_id":"';
const NAME_MIDDLE = '","account_id":"';

/** The beginning of the text of every record of a leg, and of no other leg. */
export function encodedName({ account, callId }: LegName): string {
  return `{"call_id":${JSON.stringify(callId)},"account_id":${JSON.stringify(account)}`;
}

/**
 * The same from the text of a record, without parsing it; null where the text begins otherwise. A quote within a value
 * is escaped, so none of the searched texts can be in one. `from` and `to`: where the record is in the text.
 */
export function nameInText(text: Buffer, from = 0, to = text.length): string | null {
  const middle = text.indexOf(NAME_MIDDLE, from);
  const end = middle < 0 ? -1 : text.indexOf('","', middle + NAME_MIDDLE.length);
  if (end < 0 || end >= to) return null;
  const name = text.toString('utf8', from, end + 1);
  return name.startsWith(NAME_START) && name.indexOf('","') === name.indexOf(NAME_MIDDLE) ? name : null;
}

/**
 * Null when unreadable. Parsed by hand and not by the schema above, which takes five times as long: a snapshot has many
 * records, and only this product writes them.
 */
export function decodeCall(text: string): CallRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  return typeof value === 'object' && value !== null ? recordOf(value as Record<string, unknown>) : null;
}

function recordOf(of: Record<string, unknown>): CallRecord | null {
  const { call_id, account_id, state, created_at, state_since, last_event_id, began_id, last_ms } = of;
  if (!isText(call_id) || !isText(account_id) || !isState(state) || !isTime(created_at) || !isTime(state_since))
    return null;
  if (!isText(last_event_id) || !isText(began_id) || typeof last_ms !== 'number') return null;
  // The same keys in the same order for every leg: copies of objects of one shape are fast.
  const record: CallRecord = {
    call_id,
    account_id,
    state,
    direction: of['direction'] === 'inbound' || of['direction'] === 'outbound' ? of['direction'] : null,
    from: textOf(of['from']),
    to: textOf(of['to']),
    caller_number: textOf(of['caller_number']),
    caller_name: textOf(of['caller_name']),
    callee_number: textOf(of['callee_number']),
    callee_name: textOf(of['callee_name']),
    dialled_number: textOf(of['dialled_number']),
    owner_id: textOf(of['owner_id']),
    device_id: textOf(of['device_id']),
    interaction_id: textOf(of['interaction_id']),
    other_call_id: textOf(of['other_call_id']),
    parking_slot: textOf(of['parking_slot']),
    recording: of['recording'] === true,
    created_at,
    answered_at: isTime(of['answered_at']) ? of['answered_at'] : null,
    state_since,
    switch: textOf(of['switch']),
    last_event_id,
    began_id,
    last_ms,
    state_before: isState(of['state_before']) ? of['state_before'] : null,
  };
  return withNewer(record, of);
}

/** Keeps the keys of a newer version. */
function withNewer(record: CallRecord, of: Record<string, unknown>): CallRecord {
  for (const key in of) if (!(key in record)) return { ...of, ...record };
  return record;
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && TIME.test(value);
}

function isState(value: unknown): value is CallState {
  return CALL_STATES.includes(value as CallState);
}

/** A record as clients get it. Key by key: a snapshot has many records, and a loop takes twenty times as long. */
export function callOf(record: CallRecord): Call {
  return {
    call_id: record.call_id,
    account_id: record.account_id,
    state: record.state,
    direction: record.direction,
    from: record.from,
    to: record.to,
    caller_number: record.caller_number,
    caller_name: record.caller_name,
    callee_number: record.callee_number,
    callee_name: record.callee_name,
    dialled_number: record.dialled_number,
    owner_id: record.owner_id,
    device_id: record.device_id,
    interaction_id: record.interaction_id,
    other_call_id: record.other_call_id,
    parking_slot: record.parking_slot,
    recording: record.recording,
    created_at: record.created_at,
    answered_at: record.answered_at,
    state_since: record.state_since,
    switch: record.switch,
    last_event_id: record.last_event_id,
  };
}

/** A leg belongs to an account: events of another account with the same Call-ID belong to another leg. */
export interface LegName {
  readonly account: string;
  readonly callId: string;
}

export function legKey({ account, callId }: LegName): string {
  return `${account}\t${callId}`;
}

/** Whether an event of these names can belong to a leg in the table. Neither is longer than ingest allows. */
export function isLeg({ account, callId }: LegName): boolean {
  return account !== '' && account.length <= 128 && callId !== '' && callId.length <= MAX_CALL_ID;
}

/** A text of an event, cut to the size in a record; null when it is not a text or empty. */
export function callText(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return typeof value !== 'string' || value === '' ? null : value.slice(0, MAX_TEXT);
}
