import type { Format } from '../fanout/round.ts';
import { frame, ingestTime, isEmptyObject } from '../fanout/round.ts';
import { encodeGroupCursor } from './group-cursor.ts';
import type { Held, Loaded } from './ledger.ts';

/**
 * A batch as the frames of one write. With `meta` each event ends in a `_firehose` key, as in the fan-out, and which
 * attempt this is.
 */
export function eventFrames<C extends Loaded>(
  batch: readonly Held<C>[],
  options: { format: Format; membership: number },
): Buffer {
  const { format, membership } = options;
  const payloads = batch.map((held) => held.data);
  return frame(payloads, format === 'plain' ? null : batch.map((held) => tail(held, membership))).buffer;
}

function tail<C extends Loaded>(held: Held<C>, membership: number): string {
  const { meta } = held;
  const firehose = {
    id: held.eventId,
    cursor: encodeGroupCursor(membership, held.delivery),
    account_id: meta.account || null,
    ingested_at: ingestTime(meta.ingestedAt, held.id),
    traceparent: meta.traceparent || null,
    attempt: held.attempts,
  };
  return `${isEmptyObject(held.data) ? '' : ','}"_firehose":${JSON.stringify(firehose)}}`;
}
