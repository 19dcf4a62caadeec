import { SpanKind, SpanStatusCode, type Link } from '@opentelemetry/api';
import { failed as markFailed, tracer } from '../../runtime/telemetry/span.ts';
import { sampledContext, traceparentOf } from '../../runtime/telemetry/traceparent.ts';
import type { EventLog, NewEvent } from '../event-log.ts';
import { operationAttributes, type MessagingDestination } from './messaging.ts';

const MOST_LINKS = 32;

/**
 * Appends to the log with a `send` span for each event. An event without a trace gets that of the append, if it is
 * recorded; it is stored with the event.
 */
export function traceAppends(
  eventLog: Pick<EventLog, 'append'>,
  traced: MessagingDestination | null,
): Pick<EventLog, 'append'> {
  if (traced === null) return eventLog;
  return {
    async append(events) {
      const span = tracer.startSpan(`send ${traced.destination}`, {
        kind: SpanKind.PRODUCER,
        attributes: { ...operationAttributes(traced, 'send'), 'messaging.batch.message_count': events.length },
        links: linksOf(events),
      });
      try {
        const own = traceparentOf(span.spanContext());
        const withTraces = own === '' ? events : events.map((event) => withTrace(event, own));
        const outcomes = await eventLog.append(withTraces);
        const failed = outcomes.find(({ outcome }) => outcome === 'failed');
        if (failed?.outcome === 'failed') {
          span.setAttribute('error.type', failed.code);
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
        return outcomes;
      } catch (error) {
        markFailed(span, error);
        throw error;
      } finally {
        span.end();
      }
    },
  };
}

function withTrace(event: NewEvent, own: string): NewEvent {
  return event.traceparent === '' ? { ...event, traceparent: own } : event;
}

function linksOf(events: readonly NewEvent[]): Link[] {
  const links: Link[] = [];
  for (const { traceparent } of events) {
    if (links.length === MOST_LINKS) break;
    const context = sampledContext(traceparent);
    if (context !== null) links.push({ context });
  }
  return links;
}
