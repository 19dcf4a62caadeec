import { isUtf8 } from 'node:buffer';
import { wholeNumber } from '../legs/event-body.ts';
import type { SwitchEvent } from '../mapper.ts';

/** One line of a recording, or of a capture of one's own. */
export type CaptureLine =
  | {
      readonly kind: 'event';
      readonly event: SwitchEvent;
      /** Unix milliseconds of the recorder; undefined when the line tells none. */
      readonly received: number | undefined;
      /** Kazoo: the routing key and the body's text, when the line tells them. */
      readonly routingKey: string | undefined;
      readonly body: string | undefined;
      /** Whether the line is the event itself, without a wrapper. */
      readonly isBare: boolean;
    }
  /** The recorder's own connection. */
  | { readonly kind: 'connected' | 'closed' }
  | { readonly kind: 'blank' }
  | { readonly kind: 'fault'; readonly detail: string };

/**
 * A line is an event itself, or `{"received": <Unix microseconds>, "event": {...}}` with `routing_key` beside it for a
 * bus; `body` is a bus message as text, in place of `event`. `_connected` and `_closed` mark the recorder's connection.
 */
export function readCaptureLine(bytes: Buffer): CaptureLine {
  if (!isUtf8(bytes)) return fault('the bytes are not UTF-8');
  const line = bytes.toString().trim();
  if (line === '') return { kind: 'blank' };
  const value = parse(line);
  if (value === undefined) return fault('not JSON');
  if (!isRecord(value)) return fault('not a JSON object');
  if (value['_connected'] !== undefined) return { kind: 'connected' };
  if (value['_closed'] !== undefined) return { kind: 'closed' };
  const received = receivedAt(value['received']);
  const routingKey = typeof value['routing_key'] === 'string' ? value['routing_key'] : undefined;
  const body = value['body'];
  if (typeof body === 'string' && value['event'] === undefined && routingKey !== undefined) {
    return { kind: 'event', event: {}, received, routingKey, body, isBare: false };
  }
  const { event } = value;
  if (event === undefined || isEvent(value)) {
    return { kind: 'event', event: value, received: undefined, routingKey: undefined, body: undefined, isBare: true };
  }
  if (!isRecord(event)) return fault('"event" is not a JSON object');
  return { kind: 'event', event, received, routingKey, body: undefined, isBare: false };
}

/** By the name that Kazoo and FreeSWITCH, AMI or ARI give every event: some have a key `event` of their own. */
function isEvent(value: SwitchEvent): boolean {
  return ['Event-Name', 'Event', 'type'].some((key) => typeof value[key] === 'string');
}

/** Unix milliseconds of microseconds. */
function receivedAt(value: unknown): number | undefined {
  const micros = wholeNumber(value);
  return micros === undefined ? undefined : micros / 1_000;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function fault(detail: string): CaptureLine {
  return { kind: 'fault', detail };
}

function isRecord(value: unknown): value is SwitchEvent {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
