import { isUtf8 } from 'node:buffer';
import { wholeNumber } from '../legs/event-body.ts';
import type { SwitchEvent } from '../mapper.ts';

/** One line of a recording or of a capture. */
export type CaptureLine =
  | {
      readonly kind: 'event';
      readonly event: SwitchEvent;
      /** Unix milliseconds of the recorder; undefined when the line has none. */
      readonly received: number | undefined;
      /** Kazoo: the routing key and the text of the body, when the line has them. */
      readonly routingKey: string | undefined;
      readonly body: string | undefined;
      /** Whether the line is the event itself, without a wrapper. */
      readonly isBare: boolean;
      /** The member of the wrapper that is the event. */
      readonly bodyKey: string | null;
    }
  /** Marks of the recorder's own connection. */
  | { readonly kind: 'connected' | 'closed' }
  | { readonly kind: 'blank' }
  | { readonly kind: 'fault'; readonly detail: string };

/**
 * A line is an event itself, or `{"received": <time>, "event": {...}}`, with `routing_key` beside it for a bus. The
 * body of a bus message may be text, in `body` or `payload`, so the output of RabbitMQ's tools is read as well.
 * `_connected` and `_closed` mark the recorder's connection.
 */
export function readCaptureLine(bytes: Buffer): CaptureLine {
  if (!isUtf8(bytes)) return fault('the bytes are not UTF-8');
  // Terminal clients of WebSockets put a mark before received lines.
  const line = bytes
    .toString()
    .trim()
    .replace(/^< (?=\{)/, '');
  if (line === '') return { kind: 'blank' };
  const { value, detail } = parse(line);
  if (detail !== null) return fault(detail);
  if (!isRecord(value)) return fault('not a JSON object');
  if (value['_connected'] !== undefined) return { kind: 'connected' };
  if (value['_closed'] !== undefined) return { kind: 'closed' };
  return isEvent(value) ? bare(value) : unwrap(value);
}

function unwrap(value: SwitchEvent): CaptureLine {
  const received = receivedAt(value['received'] ?? value['timestamp']);
  const routingKey = routingKeyOf(value);
  const bodyKey = ['event', 'payload'].find((key) => isRecord(value[key]));
  const event = bodyKey === undefined ? undefined : value[bodyKey];
  if (bodyKey !== undefined && isRecord(event)) {
    return { kind: 'event', event, received, routingKey, body: undefined, isBare: false, bodyKey };
  }
  const text = [value['body'], value['payload']].find((one) => typeof one === 'string');
  if (typeof text === 'string' && value['event'] === undefined) {
    return { kind: 'event', event: {}, received, routingKey, body: decoded(text), isBare: false, bodyKey: null };
  }
  return value['event'] === undefined ? bare(value) : fault('"event" is not a JSON object');
}

function bare(event: SwitchEvent): CaptureLine {
  return {
    kind: 'event',
    event,
    received: undefined,
    routingKey: undefined,
    body: undefined,
    isBare: true,
    bodyKey: null,
  };
}

/** Names in Firehose's recorder, in `rabbitmqadmin` and in amqplib, and in RabbitMQ's tracing, which has a list. */
function routingKeyOf(value: SwitchEvent): string | undefined {
  const fields = isRecord(value['fields']) ? value['fields'] : {};
  const keys: unknown = value['routing_keys'];
  const list: readonly unknown[] = Array.isArray(keys) ? keys : [];
  return [value['routing_key'], value['routingKey'], fields['routingKey'], list[0]].find(
    (key) => typeof key === 'string',
  );
}

/** RabbitMQ's tracing writes a body in base64. */
function decoded(text: string): string {
  if (text.trimStart().startsWith('{')) return text;
  const plain = Buffer.from(text, 'base64').toString();
  return plain.startsWith('{') ? plain : text;
}

/**
 * Recognises events by the name that Kazoo and FreeSWITCH, AMI or ARI put into every event: some events have a key
 * `event` themselves.
 */
function isEvent(value: SwitchEvent): boolean {
  if (value['Event-Name'] !== undefined || typeof value['Event'] === 'string') return true;
  // RabbitMQ's tracing also has a `type`.
  return typeof value['type'] === 'string' && value['payload'] === undefined;
}

const [SECONDS_BELOW, MILLISECONDS_BELOW] = [1e11, 1e14];

/**
 * Unix milliseconds from seconds, milliseconds or microseconds, which are distinct for all times of this century, or
 * from ISO 8601.
 */
function receivedAt(value: unknown): number | undefined {
  const text = typeof value === 'string' && value.includes('-') ? Date.parse(value) : NaN;
  const given = Number.isNaN(text) ? (typeof value === 'number' ? value : wholeNumber(value)) : text;
  if (given === undefined || !Number.isFinite(given)) return undefined;
  if (given < SECONDS_BELOW) return given * 1_000;
  return given < MILLISECONDS_BELOW ? given : given / 1_000;
}

/** Error texts of JSON.parse for input that ends too early. */
const BREAKS_OFF = /^(Unterminated|Unexpected end|Expected .* \(line 1 column (\d+)\))/;

function parse(text: string): { readonly value: unknown; readonly detail: string | null } {
  try {
    return { value: JSON.parse(text) as unknown, detail: null };
  } catch (error) {
    const [isCut, , column] = BREAKS_OFF.exec((error as SyntaxError).message) ?? [];
    const isAtEnd = isCut !== undefined && (column === undefined || Number(column) > text.length);
    return { value: undefined, detail: isAtEnd && text.startsWith('{') ? 'not JSON: it breaks off' : 'not JSON' };
  }
}

function fault(detail: string): CaptureLine {
  return { kind: 'fault', detail };
}

function isRecord(value: unknown): value is SwitchEvent {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
