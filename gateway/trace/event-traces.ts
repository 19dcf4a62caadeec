import {
  ROOT_CONTEXT,
  SpanKind,
  trace,
  type Attributes,
  type Context,
  type Link,
  type SpanContext,
} from '@opentelemetry/api';
import { decodeMeta } from '../../protocol/entry.ts';
import { tracer } from '../../runtime/telemetry/span.ts';
import { sampledContext } from '../../runtime/telemetry/traceparent.ts';
import { operationAttributes, tracedDestination, type MessagingDestination } from '../../event-log/trace/messaging.ts';
import { poisonReason } from '../../event-log/poison.ts';
import type { Held, Loaded } from '../group/ledger.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { Allowance } from './allowance.ts';
import { mayBeSampled, traceparentIn } from './sampled-meta.ts';

/** Traced deliveries in a second: a gateway may make millions. */
const MOST_A_SECOND = 100;
/** Most contexts that one span links. */
const MOST_LINKS = 32;

/** An entry whose trace is recorded, as a read returned it. */
interface Traced {
  readonly entry: StoredEntry;
  readonly created: SpanContext;
}

export interface EventTracesOptions extends MessagingDestination {
  /** Milliseconds of Unix time, with fractions. */
  readonly now?: () => number;
}

/**
 * The spans of an event's path from the log to a socket: `receive` for a read, `deliver` for an entry, `settle` for its
 * acknowledgement. They are made afterwards, for entries whose producer's trace is recorded, and at most this many a
 * second: there is never a span for each delivery. All belong to the trace of the event's creation, and link to it.
 */
export class EventTraces {
  readonly now: () => number;
  readonly #log: MessagingDestination;
  readonly #deliveries = new Allowance(MOST_A_SECOND);
  readonly #groupReads = new Allowance(MOST_A_SECOND);
  readonly #groupDeliveries = new Allowance(MOST_A_SECOND);

  constructor({ destination, system, now = unixNow }: EventTracesOptions) {
    this.#log = { destination, system };
    this.now = now;
  }

  /** A read of the fan-out was written to its connections; `audience` returns how many are live for an entry. */
  delivered(entries: readonly StoredEntry[], readAt: number, audience: (meta: string) => number): void {
    const traced = this.#tracedOf(entries, this.#deliveries);
    if (traced.length === 0) return;
    const receive = this.#receive(traced, { entries: entries.length, readAt, group: null });
    for (const { entry, created } of traced) {
      if (poisonReason(entry) !== null) continue;
      this.#span('deliver', SpanKind.CONSUMER, {
        parent: receive.traceId === created.traceId ? receive : created,
        links: [created],
        startTime: readAt,
        attributes: {
          ...messageOf(entry, decodeMeta(entry.meta)?.eventId ?? ''),
          'firehose.connections': audience(entry.meta),
        },
      });
    }
  }

  /** A group has read these entries. */
  received(entries: readonly StoredEntry[], readAt: number, group: string): void {
    const traced = this.#tracedOf(entries, this.#groupReads);
    if (traced.length > 0) this.#receive(traced, { entries: entries.length, readAt, group });
  }

  /** An event of a group was written to a connection. */
  wrote<C extends Loaded>(held: Held<C>, writtenAt: number, group: string): void {
    const created = sampledContext(held.meta.traceparent);
    if (created === null || !this.#groupDeliveries.take(writtenAt)) return;
    const delivered = this.#span('deliver', SpanKind.CONSUMER, {
      parent: created,
      links: [created],
      startTime: writtenAt,
      attributes: {
        ...messageOf(held, held.eventId),
        'messaging.consumer.group.name': group,
        'firehose.attempt': held.attempts,
      },
    });
    held.trace = { delivered, endedAt: 0 };
  }

  /** Redis has the end of an event whose delivery was traced. */
  settled<C extends Loaded>(held: Held<C>, outcome: 'acknowledged' | 'dead_lettered', group: string): void {
    if (held.trace === null) return;
    const { delivered, endedAt } = held.trace;
    this.#span('settle', SpanKind.CLIENT, {
      parent: delivered,
      links: [],
      startTime: endedAt,
      attributes: {
        ...messageOf(held, held.eventId),
        'messaging.consumer.group.name': group,
        'firehose.outcome': outcome,
      },
    });
    held.trace = null;
  }

  #tracedOf(entries: readonly StoredEntry[], allowance: Allowance): Traced[] {
    const traced: Traced[] = [];
    const now = this.now();
    for (const entry of entries) {
      if (!mayBeSampled(entry.meta)) continue;
      const created = sampledContext(traceparentIn(entry.meta));
      if (created === null) continue;
      if (!allowance.take(now)) break;
      traced.push({ entry, created });
    }
    return traced;
  }

  #receive(
    traced: readonly Traced[],
    { entries, readAt, group }: { entries: number; readAt: number; group: string | null },
  ): SpanContext {
    const [first] = traced;
    if (first === undefined) throw new Error('this read is not traced');
    return this.#span('receive', SpanKind.CLIENT, {
      parent: first.created,
      links: traced.slice(0, MOST_LINKS).map(({ created }) => created),
      startTime: readAt,
      attributes: {
        'messaging.batch.message_count': entries,
        ...(group !== null && { 'messaging.consumer.group.name': group }),
      },
    });
  }

  #span(
    operation: 'receive' | 'deliver' | 'settle',
    kind: SpanKind,
    span: {
      readonly parent: SpanContext;
      readonly links: readonly SpanContext[];
      readonly startTime: number;
      readonly attributes: Attributes;
    },
  ): SpanContext {
    const made = tracer.startSpan(
      `${operation} ${this.#log.destination}`,
      {
        kind,
        startTime: span.startTime,
        attributes: { ...operationAttributes(this.#log, operation), ...span.attributes },
        links: span.links.map((context): Link => ({ context })),
      },
      inContext(span.parent),
    );
    made.end(this.now());
    return made.spanContext();
  }
}

/** Null while no spans are exported: then entries are not checked. */
export function createEventTraces(options: EventTracesOptions): EventTraces | null {
  return tracedDestination(options) === null ? null : new EventTraces(options);
}

function messageOf({ partition, id }: { partition: number; id: string }, eventId: string): Attributes {
  return {
    'messaging.message.id': eventId || `${partition}:${id}`,
    'messaging.destination.partition.id': String(partition),
  };
}

function inContext(parent: SpanContext): Context {
  return trace.setSpanContext(ROOT_CONTEXT, parent);
}

function unixNow(): number {
  return performance.timeOrigin + performance.now();
}
