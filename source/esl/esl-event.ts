import type { SwitchEvent } from '../mapper.ts';
import { parseHeaders, type EslMessage } from './esl-parser.ts';

/** The meaning of one message of the event socket. */
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

/** The plain form has the values of the JSON form, and lists as `ARRAY::a|:b`. A body of its own may follow. */
export function readPlainEvent(text: string): SwitchEvent {
  const end = text.indexOf('\n\n');
  const headers: Record<string, unknown> = parseHeaders(end < 0 ? text : text.slice(0, end));
  for (const [key, value] of Object.entries(headers)) {
    if (typeof value === 'string' && value.startsWith('ARRAY::')) headers[key] = value.slice(7).split('|:');
  }
  if (headers['Content-Length'] !== undefined && end >= 0) headers['_body'] = text.slice(end + 2);
  return headers;
}
