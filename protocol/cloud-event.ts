import type { EventMeta } from './event-meta.ts';

/** The attributes of a CloudEvent for a call event, without the event's own bytes. */
export interface CloudEventContext {
  /** Id, account, time, trace and cursor of the event. `cursor: null` omits the extension. */
  readonly meta: Pick<EventMeta, 'id' | 'account_id' | 'ingested_at' | 'traceparent' | 'attempt'> & {
    readonly cursor: string | null;
  };
  /** The resource, see `cloudEventSource`. */
  readonly source: string;
  /** The switch, as the event names it; null when it names none. */
  readonly node: string | null;
  /** Event-Name. */
  readonly name: string;
  /** Call-ID; empty when there is none. */
  readonly callId: string;
  /** Of the entry of the log. */
  readonly entryId: string;
}

/** The prefix of every `type`. */
const CLOUD_EVENT_TYPE = 'dev.firehose.call.';

/** The prefix of `source` for a resource, given as `<namespace>/<name>`; the switch of an event follows it. */
export function cloudEventSource(resource: string): string {
  return `/firehose/${resource.split('/').map(encodeURIComponent).join('/')}`;
}

/** The text after the data of a CloudEvent. */
export const CLOUD_EVENT_END = '}';

/**
 * Everything of a CloudEvent 1.0 in structured JSON up to its data, which is the event's own bytes: head + bytes +
 * `CLOUD_EVENT_END` is the whole text, and nothing is serialised again. Extensions: `partitionkey` and `sequence` order
 * the events of a call, `cursor` resumes after the event, `attempt` is the number of this delivery. Unknown values are
 * absent. Pure.
 */
export function cloudEventHead({ meta, source, node, name, callId, entryId }: CloudEventContext): string {
  const { id, account_id: account, ingested_at: time, traceparent, cursor, attempt } = meta;
  const attributes = {
    specversion: '1.0',
    id,
    source: node === null ? source : `${source}/${encodeURIComponent(node.toWellFormed())}`,
    type: `${CLOUD_EVENT_TYPE}${name.toLowerCase()}`,
    ...(callId !== '' && { subject: callId }),
    ...(time !== null && { time }),
    datacontenttype: 'application/json',
    ...(callId !== '' && { partitionkey: callId }),
    sequence: sequenceOf(entryId),
    ...(traceparent !== null && { traceparent }),
    ...(account !== null && { accountid: account }),
    ...(cursor !== null && { cursor }),
    ...(attempt !== undefined && { attempt }),
  };
  return `${JSON.stringify(attributes).slice(0, -1)},"data":`;
}

/** Digits of the largest part of an entry id. */
const WIDTH = 20;

/** Texts that sort like the entries of a partition; a number cannot represent all 64 bits. */
function sequenceOf(entryId: string): string {
  return entryId
    .split('-')
    .map((part) => part.padStart(WIDTH, '0'))
    .join('-');
}
