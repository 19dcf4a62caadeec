import type { Format } from '../fanout/encoding.ts';
import { eventMetaOf, metaTail } from '../../protocol/event-meta.ts';
import { splitId } from '../../protocol/position.ts';
import type { Redactor } from '../privacy/redactor.ts';
import { frame, hasKeys } from '../fanout/frames.ts';
import { syntheticOf } from '../fanout/text-field.ts';
import { encodeGroupCursor } from './group-cursor.ts';
import type { Held, Loaded } from './ledger.ts';

/**
 * A batch as the frames of one write. With `meta` each event ends in a `_firehose` key, as in the fan-out, with the
 * number of the attempt.
 */
export function eventFrames<C extends Loaded>(
  batch: readonly Held<C>[],
  options: { format: Format; privacy: Redactor | null; membership: number },
): Buffer {
  const { format, privacy, membership } = options;
  const payloads = batch.map(({ id, data }) => (privacy === null ? data : privacy.event(data, splitId(id)[0])));
  if (format === 'plain') return frame(payloads, null).buffer;
  const tails = batch.map((held, at) => tail(held, membership, payloads[at] ?? held.data));
  return frame(payloads, tails).buffer;
}

function tail<C extends Loaded>(held: Held<C>, membership: number, payload: Buffer): string {
  const { eventId, id: entryId, meta, attempts: attempt } = held;
  const cursor = encodeGroupCursor(membership, held.delivery);
  const known = eventMetaOf(meta, { eventId, entryId, cursor, synthetic: syntheticOf(payload) });
  return metaTail({ ...known, attempt }, hasKeys(payload));
}
