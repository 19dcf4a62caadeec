import type { MappedEvent } from '../mapper.ts';

/** An entry that waits for the log. */
export interface Kept {
  /** `adopted`: what a listing has changed. It is published only when nobody heard the switch before. */
  readonly kind: 'event' | 'adopted' | 'gap';
  readonly event: MappedEvent;
  /** When it was received. Unix milliseconds of our clock. */
  readonly arrivedAt: number;
  readonly bytes: number;
}

/** Objects, ids and the place in a queue; measured, see the README. */
const OVERHEAD_BYTES = 600;

export function keep(event: MappedEvent, arrivedAt: number, kind: Kept['kind'] = 'event'): Kept {
  return { kind, event, arrivedAt, bytes: event.json.length + OVERHEAD_BYTES };
}

/** What all endpoints of a source keep together. */
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
