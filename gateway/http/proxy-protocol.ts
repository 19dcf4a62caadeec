import { isIP } from 'node:net';

/**
 * The PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt): how a load balancer that forwards bytes
 * reports the client's address. Pure.
 */
export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid' }
  /** `address` is null for health checks (LOCAL) and UNKNOWN: the connection's own address counts then. */
  | { readonly kind: 'header'; readonly address: string | null; readonly length: number };

const SIGNATURE_2 = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');
const SIGNATURE_1 = Buffer.from('PROXY ');
const MAX_LENGTH_1 = 107;
const FIXED_2 = 16;
const MAX_BODY_2 = 4_096;
const LINE_1 = /^PROXY (?:UNKNOWN(?: .*)?|TCP([46]) (\S+) (\S+) \d{1,5} \d{1,5})$/;

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' };
const INVALID: ProxyHeader = { kind: 'invalid' };

/** Reads the header at the start of a connection's first bytes. */
export function parseProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsLike(bytes, SIGNATURE_2)) return bytes.length < FIXED_2 ? INCOMPLETE : parse2(bytes);
  if (startsLike(bytes, SIGNATURE_1)) return parse1(bytes);
  return INVALID;
}

/** Whether these bytes begin like a PROXY header of either version; null while there are too few to tell. */
export function startsWithProxyHeader(bytes: Buffer): boolean | null {
  const signature = [SIGNATURE_1, SIGNATURE_2].find((candidate) => startsLike(bytes, candidate));
  if (signature === undefined) return false;
  return bytes.length >= signature.length ? true : null;
}

function startsLike(bytes: Buffer, signature: Buffer): boolean {
  const length = Math.min(bytes.length, signature.length);
  return bytes.compare(signature, 0, length, 0, length) === 0;
}

function parse1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, MAX_LENGTH_1).indexOf('\r\n');
  if (end < 0) return bytes.length < MAX_LENGTH_1 ? INCOMPLETE : INVALID;
  const match = LINE_1.exec(bytes.toString('latin1', 0, end));
  if (match === null) return INVALID;
  const [, version, source, destination] = match;
  if (source === undefined) return { kind: 'header', address: null, length: end + 2 };
  const family = Number(version);
  const fits = isIP(source) === family && isIP(destination ?? '') === family;
  return fits ? { kind: 'header', address: source, length: end + 2 } : INVALID;
}

function parse2(bytes: Buffer): ProxyHeader {
  const command = bytes[12] ?? 0;
  const family = (bytes[13] ?? 0) >>> 4;
  const bodyLength = bytes.readUInt16BE(14);
  if (command >>> 4 !== 2 || (command & 0xf) > 1 || bodyLength > MAX_BODY_2) return INVALID;
  const length = FIXED_2 + bodyLength;
  if (bytes.length < length) return INCOMPLETE;
  const isLocal = (command & 0xf) === 0;
  if (isLocal || (family !== 1 && family !== 2)) return { kind: 'header', address: null, length };
  if (bodyLength < (family === 1 ? 12 : 36)) return INVALID;
  const address =
    family === 1
      ? [...bytes.subarray(FIXED_2, FIXED_2 + 4)].join('.')
      : Array.from({ length: 8 }, (_, group) => bytes.readUInt16BE(FIXED_2 + group * 2).toString(16)).join(':');
  return { kind: 'header', address, length };
}
