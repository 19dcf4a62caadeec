import type { SwitchEvent } from '../mapper.ts';
import type { CaptureLine } from './read-line.ts';

/** One line of a capture, or one message of a raw stream, with its place, counted from 1. */
export interface CaptureItem {
  readonly place: string;
  readonly line: CaptureLine;
  /** The bytes of a line. */
  readonly bytes: Buffer | null;
}

/** An event of a raw stream. */
export function eventItem(number: number, event: SwitchEvent): CaptureItem {
  const none = { received: undefined, routingKey: undefined, body: undefined, bodyKey: null };
  return itemOf(number, { kind: 'event', event, isBare: true, ...none });
}

export function faultItem(number: number, detail: string): CaptureItem {
  return itemOf(number, { kind: 'fault', detail });
}

function itemOf(number: number, line: CaptureLine): CaptureItem {
  return { place: `message ${number}`, line, bytes: null };
}
