import type { IncomingHttpHeaders } from 'node:http';

/** Elements of a list, each with its quoted strings whole (RFC 9110 5.6.1, 5.6.4). */
const ELEMENTS = /(?:"(?:\\.|[^"\\])*"|[^",])+/g;
/** The `for` of one element of Forwarded (RFC 7239 4). */
const FOR = /(?:^|;)\s*for\s*=\s*("(?:\\.|[^"\\])*"|[^;\s]+)/i;

/**
 * The address that each hop gives for the one before it, the nearest hop first. `X-Forwarded-For` alone counts where
 * there is one.
 */
export function forwardedHops(headers: IncomingHttpHeaders): readonly string[] {
  const list = headers['x-forwarded-for'];
  // Split at every comma: an address holds none, and a client's lone quote must not hide what a proxy adds.
  if (list !== undefined) return [list].flat().join().split(',').map(trim).filter(Boolean).toReversed();
  const forwarded = headers.forwarded;
  if (forwarded === undefined) return [];
  return elementsOf(forwarded)
    .map((element) => FOR.exec(element)?.[1] ?? '')
    .toReversed();
}

/**
 * The address in a hop: bare, with a port (`203.0.113.9:4711`, `[2001:db8::1]:4711`), and quoted. Null for `unknown`, a
 * hidden name (RFC 7239 6.3) and whatever else is not an address.
 */
export function hopAddress(hop: string): string | null {
  const text = hop.trim().replace(/^"(.*)"$/, '$1');
  const match =
    /^\[([0-9A-Fa-f:.]+)(?:%[^\]]*)?\](?::\d{1,5})?$/.exec(text) ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text);
  if (match !== null) return match[1] ?? null;
  return text.replace(/%.*$/, '') || null;
}

function elementsOf(list: string): string[] {
  return list.match(ELEMENTS)?.map(trim).filter(Boolean) ?? [];
}

function trim(text: string): string {
  return text.trim();
}
