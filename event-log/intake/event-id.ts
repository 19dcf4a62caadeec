import { createHash } from 'node:crypto';
import { canonicalMembers, canonicalObject, type CanonicalMember } from './canonical-json.ts';

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
const VARIABLES = 'Custom-Channel-Vars';
const PUBLISHER_VARIABLE = 'Ecallmgr-Node';
const ID_BYTES = 16;
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * The id of an event whose producer gave none: SHA-256 over Call-ID, Event-Name, Msg-ID and the body without what the
 * publisher adds, in canonical JSON (RFC 8785), cut to 128 bits, in lower-case base32 (RFC 4648) without padding.
 * Msg-ID alone does not suffice: a switch's clock ticks in 20 ms, and DTMF within one tick are different events.
 * Numbers count as they are written, and a repeated key as often as it is there.
 */
export function deriveEventId(event: readonly CanonicalMember[]): string {
  const body = event.filter(([key]) => !PUBLISHER_FIELDS.has(key)).map(withoutPublisher);
  const identity = ['Call-ID', 'Event-Name', 'Msg-ID'].map((key) => valueOf(event, key) ?? 'null');
  const text = `[${[...identity, canonicalObject(body)].join(',')}]`;
  return base32(createHash('sha256').update(text).digest().subarray(0, ID_BYTES));
}

/** The canonical value of a key; of a repeated one the last. */
export function valueOf(members: readonly CanonicalMember[], key: string): string | undefined {
  return members.findLast(([name]) => name === key)?.[1];
}

const variables = new WeakMap<readonly CanonicalMember[], readonly CanonicalMember[]>();

/** The members of the channel variables; none where they are no object. Made once an event. */
export function channelVariables(event: readonly CanonicalMember[]): readonly CanonicalMember[] {
  const known = variables.get(event);
  if (known !== undefined) return known;
  const value = valueOf(event, VARIABLES);
  const members = value?.startsWith('{') ? canonicalMembers(value) : [];
  variables.set(event, members);
  return members;
}

function withoutPublisher([key, value]: CanonicalMember): CanonicalMember {
  if (key !== VARIABLES || !value.startsWith('{')) return [key, value];
  return [key, canonicalObject(canonicalMembers(value).filter(([name]) => name !== PUBLISHER_VARIABLE))];
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
