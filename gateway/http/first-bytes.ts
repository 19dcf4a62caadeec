import { parseProxyHeader, startsWithProxyHeader } from './proxy-protocol.ts';

/** The first bytes of a connection. */
export interface Expected {
  readonly proxyHeader: boolean;
  readonly tls: boolean;
}

export const MISMATCHES = [
  /** A connection without a PROXY header where one is required. */
  'proxy_header_missing',
  /** A PROXY header where none is expected: `proxyProtocol` is false. */
  'proxy_header_unexpected',
  /** A connection of a peer outside `trustedProxies` where a PROXY header is required. */
  'proxy_not_trusted',
  /** Not TLS on a port with TLS. */
  'tls_missing',
  /** TLS on a port without it: `tls.disabled` is true. */
  'tls_unexpected',
  /** A trusted proxy sent text that is not an address in X-Forwarded-For or Forwarded. */
  'forwarded_unreadable',
] as const;
/** A disagreement between the two ends of a connection about its protocol. */
export type Mismatch = (typeof MISMATCHES)[number];

export type FirstBytes =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'mismatch'; readonly mismatch: Mismatch }
  /** `address` is from the PROXY header, null where it has none. */
  | { readonly kind: 'expected'; readonly address: string | null; readonly headerLength: number };

/** The type of a TLS handshake record (RFC 8446 5.1). */
const TLS_HANDSHAKE = 0x16;
const INCOMPLETE: FirstBytes = { kind: 'incomplete' };

/** Judges the first bytes of a connection. Pure. */
export function judgeFirstBytes(bytes: Buffer, expected: Expected): FirstBytes {
  if (!expected.proxyHeader) return judgeBehindHeader(bytes, { address: null, headerLength: 0 }, expected);
  const header = parseProxyHeader(bytes);
  if (header.kind === 'incomplete') return INCOMPLETE;
  if (header.kind === 'invalid') return mismatch('proxy_header_missing');
  const read = { address: header.address, headerLength: header.length };
  return judgeBehindHeader(bytes.subarray(header.length), read, expected);
}

function judgeBehindHeader(
  bytes: Buffer,
  read: { address: string | null; headerLength: number },
  { tls }: Expected,
): FirstBytes {
  const [first] = bytes;
  if (first === undefined) return INCOMPLETE;
  const isTls = first === TLS_HANDSHAKE;
  if (isTls !== tls) {
    if (isTls) return mismatch('tls_unexpected');
    const isProxy = startsWithProxyHeader(bytes);
    if (isProxy === null) return INCOMPLETE;
    return mismatch(isProxy ? 'proxy_header_unexpected' : 'tls_missing');
  }
  if (!tls) {
    const isProxy = startsWithProxyHeader(bytes);
    if (isProxy === null) return INCOMPLETE;
    if (isProxy) return mismatch('proxy_header_unexpected');
  }
  return { kind: 'expected', ...read };
}

function mismatch(kind: Mismatch): FirstBytes {
  return { kind: 'mismatch', mismatch: kind };
}
