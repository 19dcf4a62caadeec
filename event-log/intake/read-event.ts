import { isUtf8 } from 'node:buffer';
import { judgeName } from '../../protocol/catalogue.ts';
import { META_KEY } from '../../protocol/event-meta.ts';
import { MAX_EVENT_BYTES, MAX_EVENT_DEPTH } from '../../protocol/event-object.ts';
import type { NewEvent } from '../event-log.ts';
import { deriveEventId, isObject, type JsonObject } from './event-id.ts';
import { depthOf, isParsable, sliceMembers, trimJson, type Member } from './json-slice.ts';

/** What a producer says beside an event. */
export interface Beside {
  readonly account?: string | undefined;
  readonly id?: string | undefined;
  /** W3C Trace Context; one that is not well-formed is ignored, as that recommendation asks. */
  readonly traceparent?: string | undefined;
}

export interface Rejection {
  readonly kind: 'rejected';
  /** Stable. */
  readonly code: RejectionCode;
  readonly detail: string;
  readonly field?: string;
}

export type RejectionCode =
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
  | 'invalid_id'
  | 'invalid_wrapper';

export type EventVerdict =
  | { readonly kind: 'forward'; readonly event: NewEvent }
  /** An event that is never forwarded: counted, no error. */
  | { readonly kind: 'dropped'; readonly name: string }
  | Rejection;

const MAX_ACCOUNT_LENGTH = 128;
const MAX_CALL_ID_LENGTH = 512;
const EVENT_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const WRAPPER_KEYS: ReadonlySet<string> = new Set(['event', 'account', 'id', 'traceparent']);

/**
 * Judges one event. Its bytes go on as they came, without white space around them, and in a copy: a slice in a log that
 * keeps its entries in memory would keep the whole body.
 */
export function readEvent(bytes: Buffer, beside: Beside = {}): EventVerdict {
  const data = trimJson(bytes);
  const event = parseObject(data);
  if ('kind' in event) return event;
  // The name before anything else of the event: what is never forwarded is no error, whatever else is odd about it.
  const name = event.value['Event-Name'];
  const verdict = judgeName(name);
  if (verdict === 'drop') return { kind: 'dropped', name: String(name) };
  if (verdict === 'malformed') {
    return reject('invalid_event_name', 'Event-Name is as CHANNEL_ANSWER: A-Z, 0-9 and _', 'Event-Name');
  }
  return judgeShape(data, event.value) ?? forward(data, { event: event.value, name: String(name), beside });
}

/** Judges one element `{"event":{...},"account":"...","id":"...","traceparent":"..."}`, which wins over `headers`. */
export function readWrapped(bytes: Buffer, headers: Beside = {}): EventVerdict {
  const data = trimJson(bytes);
  const wrapper = parseObject(data);
  if ('kind' in wrapper) return wrapper;
  // One more than it may have: a fifth is unknown or a repetition.
  const members = sliceMembers(data, WRAPPER_KEYS.size + 1);
  const twice = repeatedKey(members);
  if (twice !== undefined) return reject('invalid_wrapper', 'A key is given twice', twice);
  for (const { key } of members) {
    if (!WRAPPER_KEYS.has(key))
      return reject('invalid_wrapper', 'The wrapper holds event, account, id, traceparent', key);
    if (key !== 'event' && typeof wrapper.value[key] !== 'string') return reject('invalid_wrapper', 'A string', key);
  }
  const event = members.find(({ key }) => key === 'event');
  if (event === undefined) return reject('invalid_wrapper', 'The event is missing', 'event');
  return readEvent(event.value, { ...headers, ...(wrapper.value as Beside) });
}

function parseObject(data: Buffer): { readonly value: JsonObject } | Rejection {
  if (!isUtf8(data)) return reject('invalid_utf8', 'The bytes are not UTF-8');
  if (!isParsable(data)) return reject('too_deep', `An event is nested at most ${MAX_EVENT_DEPTH} deep`);
  let value: unknown;
  try {
    value = JSON.parse(data.toString());
  } catch {
    return reject('not_json', 'The bytes are not JSON');
  }
  return isObject(value) ? { value } : reject('not_an_object', 'An event is one JSON object');
}

function judgeShape(data: Buffer, event: JsonObject): Rejection | null {
  if (data.length > MAX_EVENT_BYTES) return reject('too_large', `An event has at most ${MAX_EVENT_BYTES} bytes`);
  if (depthOf(data) > MAX_EVENT_DEPTH) return reject('too_deep', `An event is nested at most ${MAX_EVENT_DEPTH} deep`);
  if (Object.hasOwn(event, META_KEY)) return reject('reserved_key', 'The gateway itself uses this key', META_KEY);
  // Parsers differ in which of two values they take: one could route by one account and show another.
  const members = sliceMembers(data);
  const variables = members.find(({ key }) => key === 'Custom-Channel-Vars');
  const twice = repeatedKey(members) ?? (variables && repeatedKey(sliceMembers(variables.value)));
  return twice === undefined ? null : reject('duplicate_key', 'A key is given twice', twice);
}

function forward(data: Buffer, read: { event: JsonObject; name: string; beside: Beside }): EventVerdict {
  const { event, name, beside } = read;
  const callId = text(event['Call-ID']);
  if (callId === '' || callId.length > MAX_CALL_ID_LENGTH) {
    return reject('invalid_call_id', `A Call-ID is a string of 1 to ${MAX_CALL_ID_LENGTH} characters`, 'Call-ID');
  }
  if (beside.account?.isWellFormed() === false) return reject('invalid_account', 'Half a surrogate pair', 'account');
  const account = text(beside.account) || accountOf(event);
  if (account.length > MAX_ACCOUNT_LENGTH) {
    return reject('invalid_account', `An account id has at most ${MAX_ACCOUNT_LENGTH} characters`, 'account');
  }
  if (beside.id !== undefined && !EVENT_ID.test(beside.id)) {
    return reject('invalid_id', 'An event id is 1 to 128 of A-Z a-z 0-9 . _ : -', 'id');
  }
  const eventId = beside.id ?? deriveEventId(event);
  const given = beside.traceparent ?? '';
  const traceparent = TRACEPARENT.test(given) ? given : '';
  return { kind: 'forward', event: { name, account, callId, eventId, traceparent, data: Buffer.from(data) } };
}

/** Empty when the event names no account: it is accepted, and reaches nobody. */
function accountOf(event: JsonObject): string {
  const variables = event['Custom-Channel-Vars'];
  return (isObject(variables) && text(variables['Account-ID'])) || text(event['Account-ID']);
}

/** Empty also for half a surrogate pair, which the meta line, being UTF-8, cannot hold. */
function text(value: unknown): string {
  return typeof value === 'string' && value.isWellFormed() ? value : '';
}

function repeatedKey(members: readonly Member[]): string | undefined {
  const seen = new Set<string>();
  for (const { key } of members) {
    if (seen.has(key)) return key.slice(0, 128);
    seen.add(key);
  }
  return undefined;
}

function reject(code: RejectionCode, detail: string, field?: string): Rejection {
  return { kind: 'rejected', code, detail, ...(field !== undefined && { field: field.slice(0, 128) }) };
}
