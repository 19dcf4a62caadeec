import type { Transport } from '../fanout/encoding.ts';

/** The answer to a client's offers of extensions. */
export interface Negotiated {
  readonly transport: Transport;
  /** The accepted offer, as a Sec-WebSocket-Extensions header; null when none is accepted. */
  readonly offer: string | null;
}

const NONE: Negotiated = { transport: 'raw', offer: null };
/** A client's compressed message is inflated in a window of 512 bytes where the client allows it, to save memory. */
const CLIENT_WINDOW_BITS = 9;
/** RFC 7692 7.1.2.1: events are compressed for this window, and for no smaller one. */
const SERVER_WINDOW_BITS = 15;

/** RFC 6455 9.1: a token, or a quoted one. */
const PARAMETER = /^\s*([!#$%&'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"([^"\\]*)"|([!#$%&'*+.^_`|~0-9A-Za-z-]+))\s*)?$/;
const MOST_HEADER = 2_048;

/**
 * Chooses among the offers of a Sec-WebSocket-Extensions header: the first acceptable one of permessage-deflate, else
 * none, which is never an error (RFC 6455 9.1, RFC 7692 5.1). Pure.
 */
export function negotiate(header: string | undefined): Negotiated {
  if (header === undefined || header.length > MOST_HEADER) return NONE;
  for (const offer of header.split(',')) {
    const parameters = parametersOf(offer);
    if (parameters !== null && isAcceptable(parameters)) return accept(parameters);
  }
  return NONE;
}

/** Null for another extension, and for malformed text: a quoted comma or semicolon is allowed in neither. */
function parametersOf(offer: string): ReadonlyMap<string, string | null> | null {
  const [name, ...rest] = offer.split(';');
  if (name?.trim().toLowerCase() !== 'permessage-deflate') return null;
  const parameters = new Map<string, string | null>();
  for (const text of rest) {
    const [, key, quoted, bare] = PARAMETER.exec(text) ?? [];
    if (key === undefined || parameters.has(key)) return null;
    parameters.set(key, quoted ?? bare ?? null);
  }
  return parameters;
}

/** RFC 7692 7.1: an offer with an unknown or an invalid parameter is declined. */
function isAcceptable(parameters: ReadonlyMap<string, string | null>): boolean {
  for (const [key, value] of parameters) {
    switch (key) {
      case 'server_no_context_takeover':
      case 'client_no_context_takeover':
        if (value !== null) return false;
        break;
      case 'server_max_window_bits':
        if (value !== String(SERVER_WINDOW_BITS)) return false;
        break;
      case 'client_max_window_bits':
        if (value !== null && !/^([89]|1[0-5])$/.test(value)) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

function accept(parameters: ReadonlyMap<string, string | null>): Negotiated {
  const forgets = parameters.has('server_no_context_takeover');
  const clientBits = parameters.get('client_max_window_bits');
  const takesSmallWindow = clientBits !== undefined && clientBits !== '8';
  const offer = [
    'permessage-deflate',
    ...(forgets ? ['server_no_context_takeover'] : []),
    ...(parameters.has('server_max_window_bits') ? [`server_max_window_bits=${SERVER_WINDOW_BITS}`] : []),
    ...(takesSmallWindow ? [`client_max_window_bits=${CLIENT_WINDOW_BITS}`] : []),
  ];
  return { transport: forgets ? 'self' : 'shared', offer: offer.join('; ') };
}
