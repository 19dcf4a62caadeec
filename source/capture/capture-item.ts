import type { SwitchEvent } from '../mapper.ts';
import type { CaptureLine } from './read-line.ts';

/** One thing of a capture, with its place: a line, or a message of a raw stream, counted from 1. */
export interface CaptureItem {
  readonly place: string;
  readonly line: CaptureLine;
  /** Its bytes, when it is a line. */
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
