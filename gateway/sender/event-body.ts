import { createHash } from 'node:crypto';
import type { Webhook } from '../../protocol/subscription/webhook.ts';
import { eventMetaOf } from '../../protocol/event-meta.ts';
import { splitId } from '../../protocol/position.ts';
import type { Held, Loaded } from '../group/ledger.ts';
import { cloudEvent } from '../fanout/cloud-event.ts';
import { syntheticOf } from '../fanout/text-field.ts';
import type { Redactor } from '../privacy/redactor.ts';

type Sent = Pick<Held<Loaded>, 'id' | 'eventId' | 'meta' | 'data'>;

export interface BodyForm {
  readonly format: Webhook['format'];
  /** Of CloudEvents. */
  readonly source: string;
}

/**
 * The body of a request, which is the same at each attempt. Standard is that of Standard Webhooks: type, time and the
 * event's own bytes; CloudEvents is a CloudEvent 1.0 in structured JSON; Raw is the bytes alone. No event is serialised again.
 */
export function eventBody(
  { id, eventId, meta, data }: Sent,
  { format, source }: BodyForm,
  privacy: Redactor | null,
): Buffer {
  const bytes = privacy === null ? data : privacy.event(data, splitId(id)[0]);
  if (format === 'Raw') return bytes;
  const known = eventMetaOf(meta, { eventId, entryId: id, cursor: '' });
  if (format === 'CloudEvents') {
    const { name, callId } = meta;
    return cloudEvent(bytes, { meta: { ...known, cursor: null }, source, name, callId, entryId: id });
  }
  const { account_id, ingested_at } = known;
  const head = `{"type":${JSON.stringify(typeOf(meta.name))},"timestamp":${JSON.stringify(ingested_at)},"data":`;
  const synthetic = syntheticOf(bytes);
  const tail = `,"firehose":${JSON.stringify({ id: eventId, account_id, ...(synthetic !== null && { synthetic }) })}}`;
  const body = Buffer.allocUnsafe(Buffer.byteLength(head) + bytes.length + Buffer.byteLength(tail));
  const at = body.write(head);
  bytes.copy(body, at);
  body.write(tail, at + bytes.length);
  return body;
}

/** Several bodies as one. */
export function batchBody(bodies: readonly Buffer[]): Buffer {
  const parts = bodies.flatMap((body, at) => [Buffer.from(at === 0 ? '[' : ','), body]);
  return Buffer.concat([...parts, Buffer.from(']')]);
}

/** An id of its own: another one for each set of events. */
export function batchId(eventIds: readonly string[]): string {
  return `batch_${createHash('sha256').update(JSON.stringify(eventIds)).digest('base64url')}`;
}

/** By the HTTP binding of CloudEvents, where that is the format. */
export function contentType(format: Webhook['format'], isBatch: boolean): string {
  if (format !== 'CloudEvents') return 'application/json';
  return isBatch ? 'application/cloudevents-batch+json' : 'application/cloudevents+json';
}

/** The body of a test event, which no call has. `at`: Unix milliseconds. */
export function testBody(at: number): string {
  return JSON.stringify({ type: 'firehose.test', timestamp: new Date(at).toISOString(), data: {} });
}

/** `call.channel_answer` from `CHANNEL_ANSWER`. */
function typeOf(name: string): string {
  return `call.${name.toLowerCase()}`;
}

const HEADER_SAFE = /^[\x21-\x7e]{1,256}$/;

/** The event's id as the value of a header: unchanged, or its digest if a header cannot contain it. */
export function headerId(eventId: string): string {
  return HEADER_SAFE.test(eventId) ? eventId : `sha256:${createHash('sha256').update(eventId).digest('base64url')}`;
}

/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The trace of the only event of an order, as a header; empty without one. */
export function traceHeader(events: readonly Pick<Sent, 'meta'>[]): { readonly traceparent?: string } {
  const [event] = events;
  const traceparent = event?.meta.traceparent ?? '';
  return events.length === 1 && TRACEPARENT.test(traceparent) ? { traceparent } : {};
}
