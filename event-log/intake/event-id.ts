import { hash } from 'node:crypto';
import { NOTHING, type CanonicalWriter, type LeftOut } from './canonical-json.ts';
import { isOfPublisher, numberOf } from './event-keys.ts';
import { ABSENT, ROOT, type JsonScan } from './json-scan.ts';

const VARIABLES = numberOf('Custom-Channel-Vars');
const PUBLISHER_VARIABLE = numberOf('Ecallmgr-Node');
const IDENTITY = [numberOf('Call-ID'), numberOf('Event-Name'), numberOf('Msg-ID')] as const;
const ID_BYTES = 16;
const BASE32 = Buffer.from('abcdefghijklmnopqrstuvwxyz234567');
/** 128 bits, five in each character. */
const ID = Buffer.alloc(26);

const OF_VARIABLES: LeftOut = { isLeftOut: (key) => key === PUBLISHER_VARIABLE, within: () => NOTHING };
const OF_EVENT: LeftOut = {
  isLeftOut: isOfPublisher,
  within: (key) => (key === VARIABLES ? OF_VARIABLES : NOTHING),
};

/**
 * Writes the input of the id of an event without an id from its producer: Call-ID, Event-Name, Msg-ID and the body
 * without the publisher's own fields, in canonical JSON (RFC 8785). Msg-ID alone does not suffice: a switch's clock
 * ticks in 20 ms, and DTMF within one tick are different events. Numbers count as written, and a repeated key as often
 * as it occurs.
 */
export function writeIdentity(scan: JsonScan, writer: CanonicalWriter): void {
  writer.start();
  writer.ascii('[');
  for (const key of IDENTITY) {
    const node = scan.first(key);
    if (node === ABSENT) writer.ascii('null');
    else writer.value(node);
    writer.ascii(',');
  }
  writer.value(ROOT, OF_EVENT);
  writer.ascii(']');
}

/** SHA-256 cut to 128 bits, in lower-case base32 (RFC 4648) without padding. */
export function digestOf(identity: Buffer): string {
  // One character for each byte.
  const digest = hash('sha256', identity, 'binary');
  let group = 0;
  let bits = 0;
  let length = 0;
  for (let index = 0; index < ID_BYTES; index += 1) {
    group = ((group << 8) | digest.charCodeAt(index)) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      ID[length] = BASE32[(group >> bits) & 31] ?? 0;
      length += 1;
    }
  }
  ID[length] = BASE32[(group << (5 - bits)) & 31] ?? 0;
  return ID.toString('latin1');
}
