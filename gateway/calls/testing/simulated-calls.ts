import { encodeMeta } from '../../../protocol/entry.ts';
import { createSimulator, type SimulatedEvent } from '../../../protocol/simulator/simulator.ts';
import type { EventLog, NewEvent, StoredEntry } from '../../../event-log/event-log.ts';
import { until } from '../../../testing/until.ts';

export interface SimulatedCalls {
  readonly seconds: number;
  readonly callsPerSecond: number;
  readonly accounts?: readonly string[];
  readonly seed?: string;
}

const START = Date.parse('2026-01-31T09:30:00Z');

/** Whole calls: each that began within the time has all its events to its end. */
export function simulatedEvents({ seconds, callsPerSecond, accounts = ['acme'], seed = 'calls' }: SimulatedCalls) {
  const tenants = accounts.map((id) => ({ id, name: id, realm: `${id}.sip.example.com` }));
  const endAt = START + seconds * 1_000;
  return createSimulator({ seed, accounts: tenants, callsPerSecond, startAt: START, endAt }).next(
    Number.MAX_SAFE_INTEGER,
  );
}

export function newEventOf({ name, account, callId, eventId, json }: SimulatedEvent): NewEvent {
  return { name, account, callId, eventId, traceparent: '', data: Buffer.from(json) };
}

/** Appends events until each is acknowledged: events that failed are appended again, in their order. */
export async function appendAll(eventLog: EventLog, events: readonly NewEvent[]): Promise<void> {
  let left = events;
  await until('acknowledged events', async () => {
    const outcomes = await eventLog.append(left);
    left = left.filter((_, at) => outcomes[at]?.outcome === 'failed');
    return left.length === 0;
  });
}

/** The calls of one partition. */
export function simulateCalls(options: SimulatedCalls): StoredEntry[] {
  return simulatedEvents(options).map((event, index) => ({
    partition: 0,
    id: `${event.at}-${index}`,
    meta: encodeMeta({ ...newEventOf(event), ingestedAt: '' }),
    data: Buffer.from(event.json),
  }));
}
