import { isUtf8 } from 'node:buffer';
import { judgeName as verdictOnName } from '../../protocol/catalogue.ts';
import { META_KEY } from '../../protocol/event-meta.ts';
import { MAX_EVENT_BYTES, MAX_EVENT_DEPTH } from '../../protocol/event-object.ts';
import type { NewEvent } from '../event-log.ts';
import { CanonicalWriter } from './canonical-json.ts';
import { digestOf, writeIdentity } from './event-id.ts';
import { EVENT_KEYS, numberOf } from './event-keys.ts';
import { ABSENT, JsonScan, ROOT } from './json-scan.ts';
import { DEEPEST, depthBound, depthOf, sliceMembers, trimJson, valueEnd } from './json-slice.ts';
import { encodingFault, isMarked, TWO_MARKS } from './text-encoding.ts';

/** What a producer sends with an event. */
export interface Beside {
  readonly account?: string | undefined;
  readonly id?: string | undefined;
  /** W3C Trace Context; a malformed one is ignored, as that recommendation requires. */
  readonly traceparent?: string | undefined;
}

interface Rejection {
  readonly kind: 'rejected';
  /** Stable code. */
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

/** An event that is never forwarded: counted, not an error. */
interface Dropped {
  readonly kind: 'dropped';
  readonly name: string;
}

export type EventVerdict = { readonly kind: 'forward'; readonly event: NewEvent } | Dropped | Rejection;

/** The routing data of an event, and the places of its values. */
export interface ScannedEvent {
  readonly kind: 'scanned';
  readonly name: string;
  readonly account: string;
  readonly callId: string;
  readonly eventId: string;
  readonly traceparent: string;
  /** Of its bytes without white space around them. The next call overwrites it. */
  readonly scan: JsonScan;
}

const MAX_ACCOUNT_LENGTH = 128;
const MAX_CALL_ID_LENGTH = 512;
const EVENT_ID = /^[A-Za-z0-9._:-]{1,128}$/;
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const WRAPPER_KEYS: ReadonlySet<string> = new Set(['event', 'account', 'id', 'traceparent']);

const CALL_ID = numberOf('Call-ID');
const NAME = numberOf('Event-Name');
const VARIABLES = numberOf('Custom-Channel-Vars');
const ACCOUNT = numberOf('Account-ID');
const META = numberOf(META_KEY);

const scan = new JsonScan(EVENT_KEYS);
const writer = new CanonicalWriter(scan);

/**
 * Judges one event. Its bytes are kept as sent, without white space around them, and copied: a slice in a log that
 * keeps its entries in memory would keep the whole body.
 */
export function readEvent(bytes: Buffer, beside: Beside = {}): EventVerdict {
  const read = scanEvent(bytes, beside);
  if (read.kind !== 'scanned') return read;
  const { name, account, callId, eventId, traceparent } = read;
  const data = Buffer.from(read.scan.bytes);
  return { kind: 'forward', event: { name, account, callId, eventId, traceparent, data } };
}

/** The same without a copy, for a caller that reads the event at once. */
export function scanEvent(bytes: Buffer, beside: Beside = {}): ScannedEvent | Dropped | Rejection {
  const data = trimJson(bytes);
  if (data.length > MAX_EVENT_BYTES || !isUtf8(data) || !scan.scan(data)) return faultOf(data);
  const fault = judgeName(scan.value(scan.first(NAME)));
  if (fault !== null) return fault;
  if (scan.first(META) !== ABSENT) return reservedKey();
  writeIdentity(scan, writer);
  return judgeKeys() ?? route(beside);
}

/** Why the bytes lack the form or the size of an event. */
function faultOf(data: Buffer): Dropped | Rejection {
  const encoding = encodingFault(data);
  if (encoding !== null) return reject('invalid_utf8', encoding);
  const event = parseObject(data);
  if ('kind' in event) return event;
  // Checks the name before the rest of the event: an event that is never forwarded is not an error, whatever its other
  // faults.
  const fault = judgeName(event.value['Event-Name']);
  if (fault !== null) return fault;
  if (data.length > MAX_EVENT_BYTES) return reject('too_large', `An event has at most ${MAX_EVENT_BYTES} bytes`);
  return reject('too_deep', TOO_DEEP);
}

function judgeName(name: unknown): Dropped | Rejection | null {
  const verdict = verdictOnName(name);
  if (verdict === 'drop') return { kind: 'dropped', name: String(name) };
  if (verdict === 'forward') return null;
  const detail = halfPair(name) ?? 'Event-Name must have the form of CHANNEL_ANSWER: A-Z, 0-9 and _';
  return reject('invalid_event_name', detail, 'Event-Name');
}

/**
 * Judges one element `{"event":{...},"account":"...","id":"...","traceparent":"..."}`, which overrides `headers`. An
 * account may be a number, as in an event.
 */
export function readWrapped(bytes: Buffer, headers: Beside = {}): EventVerdict {
  const data = trimJson(bytes);
  const wrapper = parseObject(data);
  if ('kind' in wrapper) return wrapper;
  // One more than allowed: a fifth member is unknown or a repetition.
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
      // As written: a number beyond 2^53 would become a different account.
      const account = readNumber(trimJson(value).toString());
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

type JsonObject = Readonly<Record<string, unknown>>;

function parseObject(data: Buffer): { readonly value: JsonObject } | Rejection {
  const encoding = encodingFault(data);
  if (encoding !== null) return reject('invalid_utf8', encoding);
  const depth = depthBound(data, MAX_EVENT_DEPTH) ?? depthOf(data);
  if (depth > DEEPEST) return reject('too_deep', TOO_DEEP);
  let value: unknown;
  try {
    value = JSON.parse(data.toString());
  } catch {
    if (isMarked(data)) return reject('not_json', TWO_MARKS);
    return reject('not_json', hasLostLineFeeds(data) ? LOST_LINE_FEEDS : 'The bytes are not JSON');
  }
  return isObject(value) ? { value } : reject('not_an_object', 'An event is one JSON object');
}

const TOO_DEEP = `An event is nested at most ${MAX_EVENT_DEPTH} deep`;
const LOST_LINE_FEEDS =
  'Several objects on one line, as when line feeds were lost: put one on a line; with curl use --data-binary, not -d';
const OPEN_OBJECT = 0x7b;

/** Whether another object follows the first one: NDJSON without its line feeds. */
function hasLostLineFeeds(data: Buffer): boolean {
  const end = data[0] === OPEN_OBJECT ? valueEnd(data, 0) : -1;
  return end > 0 && trimJson(data.subarray(end))[0] === OPEN_OBJECT;
}

/**
 * Parsers differ in which of two values they use: the gateway could route by one account while a client shows another.
 */
function judgeKeys(): Rejection | null {
  const variables = scan.first(VARIABLES);
  if (!writer.isRepeating(ROOT) && !writer.isRepeating(variables)) return null;
  const twice =
    contradictedKey(scan.nodesIn(ROOT)) ??
    (isVariables(variables) ? contradictedKey(writer.membersOf(variables)) : undefined);
  if (twice !== undefined) return reject('duplicate_key', 'A key is given twice, with two values', twice);
  // The comparison has used the writer.
  writeIdentity(scan, writer);
  return null;
}

/** A key with two different values. */
function contradictedKey(members: readonly number[]): string | undefined {
  const seen = new Map<string, string>();
  for (const member of members) {
    const [key, value] = [scan.keyName(member), writer.textOf(member)];
    if ((seen.get(key) ?? value) !== value) return key.slice(0, 128);
    seen.set(key, value);
  }
  return undefined;
}

function isVariables(node: number): boolean {
  return node !== ABSENT && scan.isObject(node);
}

function route(beside: Beside): ScannedEvent | Rejection {
  const name = scan.value(scan.first(NAME)) as string;
  const callId = scan.value(scan.first(CALL_ID));
  const half = halfPair(callId);
  if (half !== null || typeof callId !== 'string' || callId === '' || callId.length > MAX_CALL_ID_LENGTH) {
    const detail = half ?? `A Call-ID is a string of 1 to ${MAX_CALL_ID_LENGTH} characters`;
    return reject('invalid_call_id', detail, 'Call-ID');
  }
  const account = accountOf(beside);
  if (typeof account !== 'string') return account;
  if (beside.id !== undefined && !EVENT_ID.test(beside.id)) {
    return reject('invalid_id', 'An event id is 1 to 128 of A-Z a-z 0-9 . _ : -', 'id');
  }
  const eventId = beside.id ?? digestOf(writer.bytes);
  const traceparent = TRACEPARENT.test(beside.traceparent ?? '') ? (beside.traceparent ?? '') : '';
  return { kind: 'scanned', name, account, callId, eventId, traceparent, scan };
}

/** Empty when nothing names an account: the event is accepted and not delivered. */
function accountOf({ account: given = '' }: Beside): string | Rejection {
  const variables = scan.first(VARIABLES);
  const ofVariables = isVariables(variables) ? accountIn(variables) : ABSENT;
  return (
    readPlace('account', judgeAccount(given)) ||
    readPlace('Custom-Channel-Vars.Account-ID', accountAt(ofVariables)) ||
    readPlace('Account-ID', accountAt(scan.first(ACCOUNT)))
  );
}

function accountIn(variables: number): number {
  const end = scan.end(variables);
  let found = ABSENT;
  for (let node = scan.firstIn(variables); node < end; node = scan.next(node))
    if (scan.key(node) === ACCOUNT) found = node;
  return found;
}

type AccountRead = string | { readonly wrong: string };

function accountAt(node: number): AccountRead {
  if (node === ABSENT) return '';
  return scan.isString(node) ? judgeAccount(scan.value(node) as string) : readNumber(scan.text(node));
}

function readPlace(field: string, read: AccountRead): string | Rejection {
  return typeof read === 'string' ? read : reject('invalid_account', read.wrong, field);
}

function reservedKey(): Rejection {
  return reject('reserved_key', 'The gateway itself uses this key', META_KEY);
}

const NUMBER = /^-?\d/;
const ID_DIGITS = /^\d{1,64}$/;

/** An account id that is an integer, as written. Empty when it is not a number. */
function readNumber(text: string): AccountRead {
  if (!NUMBER.test(text)) return '';
  return ID_DIGITS.test(text) ? text : { wrong: 'An account id that is a number is one of digits alone: quote it' };
}

function judgeAccount(account: string): AccountRead {
  const half = halfPair(account);
  if (half !== null) return { wrong: half };
  if (account.length <= MAX_ACCOUNT_LENGTH) return account;
  return { wrong: `An account id has at most ${MAX_ACCOUNT_LENGTH} characters` };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The fault of a text that the meta line, being UTF-8, cannot contain; null for any other value. */
function halfPair(value: unknown): string | null {
  return typeof value === 'string' && !value.isWellFormed() ? 'Half a surrogate pair is no character' : null;
}

function reject(code: RejectionCode, detail: string, field?: string): Rejection {
  return { kind: 'rejected', code, detail, ...(field !== undefined && { field: field.slice(0, 128) }) };
}
