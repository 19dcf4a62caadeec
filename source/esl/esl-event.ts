import type { SwitchEvent } from '../mapper.ts';
import { parseHeaders, type EslMessage } from './esl-parser.ts';

/** The kind of one message of the event socket. */
export type EslReading =
  | { readonly kind: 'event'; readonly event: SwitchEvent }
  /** `text/disconnect-notice` and `text/rude-rejection` (the switch's access list) end the connection. */
  | { readonly kind: 'ended'; readonly reason: 'disconnect_notice' | 'rude_rejection' }
  | { readonly kind: 'auth_request' }
  | { readonly kind: 'reply'; readonly ok: boolean; readonly text: string }
  | { readonly kind: 'api_response'; readonly body: Buffer }
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'other'; readonly contentType: string };

export function readEslMessage({ headers, body }: EslMessage): EslReading {
  const contentType = headers['Content-Type'] ?? '';
  switch (contentType) {
    case 'text/event-json':
      return readJsonEvent(body);
    case 'text/event-plain':
      return { kind: 'event', event: readPlainEvent(body.toString()) };
    case 'text/event-xml':
      return readXmlEvent(body.toString());
    case '':
      // The output of fs_cli: the headers of an event without a frame.
      return headers['Event-Name'] === undefined
        ? { kind: 'other', contentType }
        : { kind: 'event', event: listsOf({ ...headers }) };
    case 'auth/request':
      return { kind: 'auth_request' };
    case 'command/reply': {
      const text = headers['Reply-Text'] ?? '';
      return { kind: 'reply', ok: text.startsWith('+OK'), text };
    }
    case 'api/response':
      return { kind: 'api_response', body };
    case 'text/disconnect-notice':
      return { kind: 'ended', reason: 'disconnect_notice' };
    case 'text/rude-rejection':
      return { kind: 'ended', reason: 'rude_rejection' };
    default:
      return { kind: 'other', contentType };
  }
}

function readJsonEvent(body: Buffer): EslReading {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    return { kind: 'malformed', detail: 'The body of a text/event-json message is not JSON' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return { kind: 'malformed', detail: 'The body of a text/event-json message is not an object' };
  }
  return { kind: 'event', event: value as SwitchEvent };
}

/** The plain form has the same values as the JSON form, and lists as `ARRAY::a|:b`. A body of its own may follow. */
export function readPlainEvent(text: string): SwitchEvent {
  const end = text.indexOf('\n\n');
  const headers = listsOf(parseHeaders(end < 0 ? text : text.slice(0, end)));
  if (headers['Content-Length'] !== undefined && end >= 0) headers['_body'] = text.slice(end + 2);
  return headers;
}

function listsOf(headers: Record<string, string>): Record<string, unknown> {
  const read: Record<string, unknown> = headers;
  for (const [key, value] of Object.entries(headers)) {
    if (value.startsWith('ARRAY::')) read[key] = value.slice(7).split('|:');
  }
  return read;
}

const XML_HEADER = /<([A-Za-z_][\w.:-]*)>([^<]*)<\/\1>/g;
const XML_ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** `<event><headers><Event-Name>DTMF</Event-Name>...`: as flat as the plain form, and with the same escapes. */
function readXmlEvent(text: string): EslReading {
  const headers = /<headers>([\s\S]*)<\/headers>/.exec(text)?.[1];
  if (headers === undefined)
    return { kind: 'malformed', detail: 'The body of a text/event-xml message has no headers' };
  const lines = [...headers.matchAll(XML_HEADER)].map(([, key, value = '']) => {
    const plain = value.replace(/&(\w+);/g, (entity, name: string) => XML_ENTITIES[name] ?? entity);
    return `${key}: ${plain}`;
  });
  return { kind: 'event', event: listsOf(parseHeaders(lines.join('\n'))) };
}
