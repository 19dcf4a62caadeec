import { createHash } from 'node:crypto';
import type { Webhook } from '../../protocol/subscription/webhook.ts';
import { eventMetaOf } from '../../protocol/event-meta.ts';
import { splitId } from '../../protocol/position.ts';
import type { Held, Loaded } from '../group/ledger.ts';
import type { Redactor } from '../privacy/redactor.ts';

type Sent = Pick<Held<Loaded>, 'id' | 'eventId' | 'meta' | 'data'>;

/**
 * The body of a request, which is the same at each attempt. Standard is that of Standard Webhooks: type, time and the
 * event's own bytes; Raw is these bytes alone. Nothing of the event is parsed.
 */
export function eventBody(
  { id, eventId, meta, data }: Sent,
  format: Webhook['format'],
  privacy: Redactor | null,
): Buffer {
  const bytes = privacy === null ? data : privacy.event(data, splitId(id)[0]);
  if (format === 'Raw') return bytes;
  const { account_id, ingested_at } = eventMetaOf(meta, { eventId, entryId: id, cursor: '' });
  const head = `{"type":${JSON.stringify(typeOf(meta.name))},"timestamp":${JSON.stringify(ingested_at)},"data":`;
  const tail = `,"firehose":${JSON.stringify({ id: eventId, account_id })}}`;
  return Buffer.concat([Buffer.from(head), bytes, Buffer.from(tail)]);
}

/** The body of a test event, which no call has. `at`: Unix milliseconds. */
export function testBody(at: number): string {
  return JSON.stringify({ type: 'firehose.test', timestamp: new Date(at).toISOString(), data: {} });
}

/** `call.channel_answer` of `CHANNEL_ANSWER`. */
function typeOf(name: string): string {
  return `call.${name.toLowerCase()}`;
}

const HEADER_SAFE = /^[\x21-\x7e]{1,256}$/;

/** The event's id as `webhook-id`: as it is, or its digest where a header cannot carry it. */
export function webhookId(eventId: string): string {
  return HEADER_SAFE.test(eventId) ? eventId : `sha256:${createHash('sha256').update(eventId).digest('base64url')}`;
}
