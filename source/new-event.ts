import type { NewEvent } from '../event-log/event-log.ts';
import type { MappedEvent } from './mapper.ts';

/** An event in the form that the log takes. */
export function newEvent({ name, account, callId, eventId, json }: MappedEvent): NewEvent {
  return { name, account, callId, eventId, traceparent: '', data: Buffer.from(json) };
}
