import { decodeMeta } from '../../protocol/entry.ts';
import { eventIdOf, eventMetaOf, metaTail } from '../../protocol/event-meta.ts';
import { splitId } from '../../protocol/position.ts';
import { isWorthDeflating } from './deflate.ts';
import type { Encoding } from './encoding.ts';
import { frame, frameAt, hasKeys, payloadAt, type Frames } from './frames.ts';
import type { Round } from './round.ts';
import { entriesOf, type Selection } from './selection.ts';

/**
 * The round in the form of a selection, with the frames of its entries. In another form than the log's an event is made once for all
 * views, and only where a view wants it: a profile or a cursor costs nothing for the events of other accounts (F1).
 */
export function framesOf(round: Round, selection: Selection): Frames {
  const { encoding } = selection;
  const { text, format, privacy } = encoding;
  if (format === 'plain' && privacy === null) return round.plain;
  const entries = entriesOf(selection);
  let pieces = round.forms.get(text);
  if (pieces === undefined) round.forms.set(text, (pieces = []));
  const made = pieces;
  if (!entries.every((entry) => made[entry] !== undefined)) {
    make(
      round,
      encoding,
      made,
      entries.filter((entry) => made[entry] === undefined),
    );
  }
  return { pieces };
}

function make(round: Round, { format, privacy }: Encoding, pieces: (Buffer | undefined)[], missing: readonly number[]) {
  const payloads = missing.map((entry) => {
    const event = payloadAt(round.plain, entry);
    return privacy === null ? event : privacy.event(event, splitId(round.ids[entry] ?? '')[0]);
  });
  const { buffer, offsets } = frame(payloads, format === 'plain' ? null : metaTails(round, missing, payloads));
  for (const [at, entry] of missing.entries()) pieces[entry] = buffer.subarray(offsets[at], offsets[at + 1]);
  grow(round, buffer.length);
}

/** The self-contained frame of each selected entry, made by `deflate` when it is first asked for. */
export function selfFramesOf(round: Round, selection: Selection, deflate: (payload: Buffer) => Buffer): Buffer[] {
  const frames = framesOf(round, selection);
  const { text } = selection.encoding;
  let made = round.selfContained.get(text);
  if (made === undefined) round.selfContained.set(text, (made = []));
  const kept = made;
  return entriesOf(selection).map((entry) => {
    let one = kept[entry];
    if (one === undefined) {
      const payload = payloadAt(frames, entry);
      const isWorth = isWorthDeflating(payload);
      one = isWorth ? deflate(payload) : frameAt(frames, entry);
      kept[entry] = one;
      if (isWorth) grow(round, one.length);
    }
    return one;
  });
}

function grow(round: Round, bytes: number): void {
  round.madeBytes += bytes;
  round.holder?.grew(bytes);
}

/** Of these entries, ascending, with these payloads. */
function metaTails(round: Round, entries: readonly number[], payloads: readonly Buffer[]): string[] {
  const position = [...round.from];
  let passed = 0;
  return entries.map((entry, index) => {
    for (; passed <= entry; passed += 1) position[round.partitions[passed] ?? 0] = round.ids[passed] ?? '';
    const partition = round.partitions[entry] ?? 0;
    const id = round.ids[entry] ?? '';
    const meta = decodeMeta(round.metas[entry] ?? '');
    const eventMeta = eventMetaOf(meta, {
      eventId: eventIdOf(meta, partition, id),
      entryId: id,
      cursor: round.cursors.seal({ epoch: round.epoch, ids: position }),
    });
    return metaTail(eventMeta, hasKeys(payloads[index] ?? NO_PAYLOAD));
  });
}

const NO_PAYLOAD = Buffer.alloc(0);
