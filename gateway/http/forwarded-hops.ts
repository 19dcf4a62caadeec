import type { IncomingHttpHeaders } from 'node:http';

/** Elements of a reversed list, each with its quoted strings intact (RFC 9110 5.6.1, 5.6.4). */
const ELEMENTS = /(?:"(?:.\\|[^"\\])*"|[^",])+/g;
/** The parameters of one element of Forwarded (RFC 7239 4), and the one with the hop. */
const PARAMETERS = /(?:"(?:\\.|[^"\\])*"|[^";])+/g;
const FOR = /^\s*for\s*=(.*)$/i;

/**
 * The address that each hop reports of the one before it, the nearest hop first. Only `X-Forwarded-For` counts if
 * present.
 */
export function forwardedHops(headers: IncomingHttpHeaders): readonly string[] {
  const list = headers['x-forwarded-for'];
  // Splits at every comma: an address contains none, and a client's unpaired quote must not hide what a proxy adds.
  if (list !== undefined) return [list].flat().join().split(',').map(trim).filter(Boolean).toReversed();
  const forwarded = headers.forwarded;
  if (forwarded === undefined) return [];
  return elementsOf(forwarded).map(forOf);
}

/**
 * The address in a hop: bare, with a port (`203.0.113.9:4711`, `[2001:db8::1]:4711`), and quoted. Null for `unknown`, a
 * hidden name (RFC 7239 6.3) and any other text that is not an address.
 */
export function hopAddress(hop: string): string | null {
  const text = hop.trim().replace(/^"(.*)"$/, '$1');
  const match =
    /^\[([0-9A-Fa-f:.]+)(?:%[^\]]*)?\](?::\d{1,5})?$/.exec(text) ?? /^(\d+\.\d+\.\d+\.\d+):\d{1,5}$/.exec(text);
  if (match !== null) return match[1] ?? null;
  return text.replace(/%.*$/, '') || null;
}

/** The nearest hop first. Read from the end: a client's unpaired quote must not consume what a proxy appends. */
function elementsOf(list: string): string[] {
  return backwards(list).match(ELEMENTS)?.map(backwards).map(trim).filter(Boolean) ?? [];
}

/** A `for` within a quoted string, such as a host that the client chose, does not count. */
function forOf(element: string): string {
  const parameters = element.match(PARAMETERS) ?? [];
  return parameters.flatMap((parameter) => FOR.exec(parameter)?.[1]?.trim() ?? [])[0] ?? '';
}

function backwards(text: string): string {
  return Array.from(text).toReversed().join('');
}

function trim(text: string): string {
  return text.trim();
}
