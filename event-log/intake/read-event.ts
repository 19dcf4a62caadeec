import { judgeName } from '../../protocol/catalogue.ts';
import { META_KEY } from '../../protocol/event-meta.ts';
import { MAX_EVENT_BYTES, MAX_EVENT_DEPTH } from '../../protocol/event-object.ts';
import type { NewEvent } from '../event-log.ts';
import { canonicalMembers, type CanonicalMember } from './canonical-json.ts';
import { channelVariables, deriveEventId, valueOf } from './event-id.ts';
import { DEEPEST, depthBound, depthOf, sliceMembers, trimJson, valueEnd } from './json-slice.ts';
import { encodingFault } from './text-encoding.ts';

/** What a producer says beside an event. */
export interface Beside {
  readonly account?: string | undefined;
  readonly id?: string | undefined;
  /** W3C Trace Context; one that is not well-formed is ignored, as that recommendation asks. */
  readonly traceparent?: string | undefined;
}

interface Rejection {
  readonly kind: 'rejected';
  /** Stable. */
  readonly code: RejectionCode;
  readonly detail: string;
  readonly field?: string;
}

type RejectionCode =
  | 'invalid_utf8'
  | 'not_json'
  | 'not_an_object'
  | 'too_large'
  | 'too_deep'
  | 'duplicate_key'
  | 'reserved_key'
  | 'invalid_event_name'
  | 'invalid_call_id'
  | 'invalid_account'
  | 'account_not_offered'
  | 'invalid_id'
  | 'invalid_wrapper';

export type EventVerdict =
  /** `body`: the event as JSON.parse reads it. */
  | { readonly kind: 'forward'; readonly event: NewEvent; readonly body: JsonObject }
  /** An event that is never forwarded: counted, no error. */
  | { readonly kind: 'dropped'; readonly name: string }
  | Rejection;

const MAX_ACCOUNT_LENGTH = 128;
const MAX_CALL_ID_LENGTH = 512;
const EVENT_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const WRAPPER_KEYS: ReadonlySet<string> = new Set(['event', 'account', 'id', 'traceparent']);

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * Judges one event. Its bytes are kept as they came, without white space around them, and in a copy: a slice in a log
 * that keeps its entries in memory would keep the whole body.
 */
export function readEvent(bytes: Buffer, beside: Beside = {}): EventVerdict {
  const data = trimJson(bytes);
  const event = parseObject(data);
  if ('kind' in event) return event;
  // The name before anything else of the event: what is never forwarded is not an error, whatever else is odd about it.
  const name = event.value['Event-Name'];
  const verdict = judgeName(name);
  if (verdict === 'drop') return { kind: 'dropped', name: String(name) };
  if (verdict === 'malformed') {
    return reject(
      'invalid_event_name',
      halfPair(name) ?? 'Event-Name is as CHANNEL_ANSWER: A-Z, 0-9 and _',
      'Event-Name',
    );
  }
  const fault = judgeShape(data, event);
  if (fault !== null) return fault;
  const members = canonicalMembers(event.text);
  return judgeKeys(members, event.value) ?? forward(data, { event: event.value, members, name: String(name), beside });
}

/**
 * Judges one element `{"event":{...},"account":"...","id":"...","traceparent":"..."}`, which wins over `headers`. An
 * account may be a number, as in an event.
 */
export function readWrapped(bytes: Buffer, headers: Beside = {}): EventVerdict {
  const data = trimJson(bytes);
  const wrapper = parseObject(data);
  if ('kind' in wrapper) return wrapper;
  // One more than it may have: a fifth is unknown or a repetition.
  const members = sliceMembers(data, WRAPPER_KEYS.size + 1);
  const twice = members.find(({ key }, index) => members.findIndex((other) => other.key === key) < index);
  if (twice !== undefined) return reject('invalid_wrapper', 'A key is given twice', twice.key);
  const beside: { -readonly [Key in keyof Beside]: Beside[Key] } = { ...headers };
  for (const { key, value } of members) {
    if (!isWrapperKey(key)) return reject('invalid_wrapper', 'The wrapper holds event, account, id, traceparent', key);
    if (key === 'event') continue;
    const text = wrapper.value[key];
    if (typeof text === 'string') beside[key] = text;
    else if (key !== 'account' || typeof text !== 'number') return reject('invalid_wrapper', 'A string', key);
    else {
      // As it is written: a number beyond 2^53 would be another account.
      const account = readAccount(trimJson(value).toString());
      if (typeof account !== 'string') return reject('invalid_account', account.wrong, 'account');
      beside.account = account;
    }
  }
  const event = members.find(({ key }) => key === 'event');
  if (event === undefined) return reject('invalid_wrapper', 'The event is missing', 'event');
  return readEvent(event.value, beside);
}

function isWrapperKey(key: string): key is 'event' | keyof Beside {
  return WRAPPER_KEYS.has(key);
}

interface Parsed {
  readonly value: JsonObject;
  readonly text: string;
  /** At least as deep as it is. */
  readonly depth: number;
}

function parseObject(data: Buffer): Parsed | Rejection {
  const encoding = encodingFault(data);
  if (encoding !== null) return reject('invalid_utf8', encoding);
  const depth = depthBound(data, MAX_EVENT_DEPTH) ?? depthOf(data);
  if (depth > DEEPEST) return reject('too_deep', `An event is nested at most ${MAX_EVENT_DEPTH} deep`);
  const text = data.toString();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return reject('not_json', hasLostLineFeeds(data) ? LOST_LINE_FEEDS : 'The bytes are not JSON');
  }
  return isObject(value) ? { value, text, depth } : reject('not_an_object', 'An event is one JSON object');
}

const LOST_LINE_FEEDS =
  'Several objects on one line, as when line feeds were lost: put one on a line; with curl use --data-binary, not -d';
const OPEN_OBJECT = 0x7b;

/** Whether another object follows the first one: NDJSON without its line feeds. */
function hasLostLineFeeds(data: Buffer): boolean {
  const end = data[0] === OPEN_OBJECT ? valueEnd(data, 0) : -1;
  return end > 0 && trimJson(data.subarray(end))[0] === OPEN_OBJECT;
}

function judgeShape(data: Buffer, { value, depth }: Parsed): Rejection | null {
  if (data.length > MAX_EVENT_BYTES) return reject('too_large', `An event has at most ${MAX_EVENT_BYTES} bytes`);
  if (depth > MAX_EVENT_DEPTH) return reject('too_deep', `An event is nested at most ${MAX_EVENT_DEPTH} deep`);
  return Object.hasOwn(value, META_KEY) ? reject('reserved_key', 'The gateway itself uses this key', META_KEY) : null;
}

/**
 * Parsers differ in which of two values they use: the gateway could route by one account while a client shows another.
 */
function judgeKeys(event: readonly CanonicalMember[], value: JsonObject): Rejection | null {
  // JSON.parse joins what is repeated: as many keys as members are no repetition.
  const isRepeated = Object.keys(value).length < event.length;
  const twice = (isRepeated ? contradictedKey(event) : undefined) ?? contradictedKey(channelVariables(event));
  return twice === undefined ? null : reject('duplicate_key', 'A key is given twice, with two values', twice);
}

interface Forwardable {
  readonly event: JsonObject;
  readonly members: readonly CanonicalMember[];
  readonly name: string;
  readonly beside: Beside;
}

function forward(data: Buffer, { event, members, name, beside }: Forwardable): EventVerdict {
  const callId = event['Call-ID'];
  const half = halfPair(callId);
  if (half !== null || typeof callId !== 'string' || callId === '' || callId.length > MAX_CALL_ID_LENGTH) {
    const detail = half ?? `A Call-ID is a string of 1 to ${MAX_CALL_ID_LENGTH} characters`;
    return reject('invalid_call_id', detail, 'Call-ID');
  }
  const given = accountOf(members, beside);
  if ('kind' in given) return given;
  if (beside.id !== undefined && !EVENT_ID.test(beside.id)) {
    return reject('invalid_id', 'An event id is 1 to 128 of A-Z a-z 0-9 . _ : -', 'id');
  }
  const eventId = beside.id ?? deriveEventId(members);
  const traceparent = TRACEPARENT.test(beside.traceparent ?? '') ? (beside.traceparent ?? '') : '';
  const { account } = given;
  const read = { name, account, callId, eventId, traceparent, data: Buffer.from(data) };
  return { kind: 'forward', event: read, body: event };
}

/** Empty when nothing names an account: the event is accepted and not delivered. */
function accountOf(event: readonly CanonicalMember[], beside: Beside): { readonly account: string } | Rejection {
  const places: readonly (readonly [field: string, value: string | undefined])[] = [
    ['account', beside.account && JSON.stringify(beside.account)],
    ['Custom-Channel-Vars.Account-ID', valueOf(channelVariables(event), 'Account-ID')],
    ['Account-ID', valueOf(event, 'Account-ID')],
  ];
  for (const [field, value] of places) {
    const read = value === undefined ? '' : readAccount(value);
    if (typeof read !== 'string') return reject('invalid_account', read.wrong, field);
    if (read !== '') return { account: read };
  }
  return { account: '' };
}

const NUMBER = /^-?\d/;
const ID_DIGITS = /^\d{1,64}$/;

/** An account id by its canonical value: a string, or an integer as it is written. Empty for what names none. */
function readAccount(value: string): string | { readonly wrong: string } {
  if (NUMBER.test(value)) {
    return ID_DIGITS.test(value) ? value : { wrong: 'An account id that is a number is one of digits alone: quote it' };
  }
  if (!value.startsWith('"')) return '';
  const account = JSON.parse(value) as string;
  const half = halfPair(account);
  if (half !== null) return { wrong: half };
  if (account.length <= MAX_ACCOUNT_LENGTH) return account;
  return { wrong: `An account id has at most ${MAX_ACCOUNT_LENGTH} characters` };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fault of a text that the meta line, being UTF-8, cannot hold; null for any other value. */
function halfPair(value: unknown): string | null {
  return typeof value === 'string' && !value.isWellFormed() ? 'Half a surrogate pair is no character' : null;
}

/** A key that has two different values. */
function contradictedKey(members: readonly CanonicalMember[]): string | undefined {
  const seen = new Map<string, string>();
  for (const [key, value] of members) {
    if ((seen.get(key) ?? value) !== value) return key.slice(0, 128);
    seen.set(key, value);
  }
  return undefined;
}

function reject(code: RejectionCode, detail: string, field?: string): Rejection {
  return { kind: 'rejected', code, detail, ...(field !== undefined && { field: field.slice(0, 128) }) };
}
