import type { NewEvent } from '../event-log/event-log.ts';
import type { MappedEvent } from './mapper.ts';

/** An event as the log takes it. */
export function newEvent({ name, account, callId, eventId, json }: MappedEvent): NewEvent {
  return { name, account, callId, eventId, traceparent: '', data: Buffer.from(json) };
}
