import type { MappedEvent } from '../mapper.ts';

/** An entry that waits for the log. */
export interface Kept {
  /**
   * `adopted`: a change that came from a listing. It is published only when no replica listened to the switch before.
   */
  readonly kind: 'event' | 'adopted' | 'gap';
  readonly event: MappedEvent;
  /** Receipt by the local clock, Unix milliseconds. */
  readonly arrivedAt: number;
  readonly bytes: number;
}

/** Overhead of objects, ids and the place in a queue; measured, see the README. */
const OVERHEAD_BYTES = 600;

export function keep(event: MappedEvent, arrivedAt: number, kind: Kept['kind'] = 'event'): Kept {
  return { kind, event, arrivedAt, bytes: event.json.length + OVERHEAD_BYTES };
}

/** Size of what all endpoints of a source keep together. */
export class RingBudget {
  readonly maxBytes: number;
  readonly maxEvents: number;
  bytes = 0;
  events = 0;

  constructor(limits: { readonly maxBytes: number; readonly maxEvents: number }) {
    this.maxBytes = limits.maxBytes;
    this.maxEvents = limits.maxEvents;
  }

  add({ bytes }: Kept): void {
    this.bytes += bytes;
    this.events += 1;
  }

  remove({ bytes }: Kept): void {
    this.bytes -= bytes;
    this.events -= 1;
  }

  get isExceeded(): boolean {
    return this.bytes > this.maxBytes || this.events > this.maxEvents;
  }
}
