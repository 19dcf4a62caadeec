import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';

/**
 * What differs between two publications of one switch event: every ecallmgr publishes it under its own name. The id
 * must not depend on them, nor on the order of keys, which differs between publishers too.
 */
const PUBLISHER_FIELDS: ReadonlySet<string> = new Set([
  'Node',
  'Server-ID',
  'App-Name',
  'App-Version',
  'Ecallmgr-Node',
]);
const ID_BYTES = 16;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

export type JsonObject = Readonly<Record<string, unknown>>;

/**
 * The id of an event whose producer gave none: SHA-256 over Call-ID, Event-Name, Msg-ID and the body without what the
 * publisher adds, in canonical JSON (RFC 8785), cut to 128 bits, in lower-case base32 (RFC 4648) without padding.
 * Msg-ID alone would not do: a switch's clock ticks in 20 ms, and DTMF within one tick are different events.
 * Never throws; `event` is nested at most 32 deep.
 */
export function deriveEventId(event: JsonObject): string {
  const body = without(event, PUBLISHER_FIELDS);
  const variables = event['Custom-Channel-Vars'];
  if (isObject(variables)) body['Custom-Channel-Vars'] = without(variables, new Set(['Ecallmgr-Node']));
  const identity = [event['Call-ID'], event['Event-Name'], event['Msg-ID'] ?? null, body];
  const digest = createHash('sha256').update(canonicalText(identity)).digest();
  return base32(digest.subarray(0, ID_BYTES));
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function canonicalText(value: unknown): string {
  try {
    return canonicalize(value) ?? '';
  } catch {
    return canonicalize(expressible(value)) ?? '';
  }
}

/**
 * RFC 8785 has no form for two things that JSON text can say, and the package throws: half a surrogate pair, and a number
 * beyond a double (JSON.parse makes Infinity of 1e999). Their escaped form stands for them: a caller's odd name is no
 * reason to lose the event.
 */
function expressible(value: unknown): unknown {
  if (typeof value === 'string') return value.isWellFormed() ? value : JSON.stringify(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (Array.isArray(value)) return value.map(expressible);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [String(expressible(key)), expressible(inner)]),
  );
}

/** A copy without a prototype, so that a key `__proto__` is a key as any other. */
function without(object: JsonObject, left: ReadonlySet<string>): Record<string, unknown> {
  const copy = Object.create(null) as Record<string, unknown>;
  for (const [key, value] of Object.entries(object)) if (!left.has(key)) copy[key] = value;
  return copy;
}

function base32(bytes: Buffer): string {
  let text = '';
  let group = 0;
  let bits = 0;
  for (const byte of bytes) {
    group = ((group << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += BASE32[(group >> bits) & 31];
    }
  }
  return bits === 0 ? text : text + BASE32[(group << (5 - bits)) & 31];
}
