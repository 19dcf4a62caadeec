import { decodeMeta } from '../../protocol/entry.ts';
import { eventIdOf, eventMetaOf, metaTail } from '../../protocol/event-meta.ts';
import { splitId } from '../../protocol/position.ts';
import { cloudEvent } from './cloud-event.ts';
import { isWorthDeflating } from './deflate.ts';
import type { Encoding } from './encoding.ts';
import { frame, frameAt, hasKeys, payloadAt, withTail, type Frames, type WholeFrames } from './frames.ts';
import type { Round } from './round.ts';
import { entriesOf, type Selection } from './selection.ts';
import { sseFrames } from './sse-frame.ts';
import { syntheticOf } from './text-field.ts';

/**
 * The round in the form of a selection, with the frames of its entries. In a form that differs from the log's, an event
 * is made once for all views, and only where a view needs it: a profile or a cursor costs nothing for the events of
 * other accounts (F1).
 */
export function framesOf(round: Round, selection: Selection): Frames {
  const { encoding } = selection;
  const { text, format, framing, privacy } = encoding;
  if (format === 'plain' && framing === 'websocket' && privacy === null) return round.plain;
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

function make(round: Round, encoding: Encoding, pieces: (Buffer | undefined)[], missing: readonly number[]) {
  const { privacy } = encoding;
  const payloads = missing.map((entry) => {
    const event = payloadAt(round.plain, entry);
    return privacy === null ? event : privacy.event(event, splitId(round.ids[entry] ?? '')[0]);
  });
  const { buffer, offsets } = framed(round, encoding, { entries: missing, payloads });
  for (const [at, entry] of missing.entries()) pieces[entry] = buffer.subarray(offsets[at], offsets[at + 1]);
  grow(round, buffer.length);
}

/** The self-contained frame of each selected entry; `deflate` makes it at the first request. */
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

/** Entries, ascending, and the visible bytes of each. */
interface Shown {
  readonly entries: readonly number[];
  readonly payloads: readonly Buffer[];
}

function framed(round: Round, { format, framing, source }: Encoding, { entries, payloads }: Shown): WholeFrames {
  if (format === 'plain' && framing === 'websocket') return frame(payloads, null);
  const cursors = cursorsAfter(round, entries);
  if (format === 'plain') return sseFrames(payloads, cursors);
  const lines = entries.map((entry) => decodeMeta(round.metas[entry] ?? ''));
  const metas = entries.map((entry, index) => {
    const [line = null, entryId = ''] = [lines[index], round.ids[entry]];
    const eventId = eventIdOf(line, round.partitions[entry] ?? 0, entryId);
    const synthetic = format === 'meta' ? syntheticOf(payloads[index] ?? NO_PAYLOAD) : null;
    return eventMetaOf(line, { eventId, entryId, cursor: cursors[index] ?? '', synthetic });
  });
  if (format === 'cloudevents') {
    const texts = payloads.map((data, index) => {
      const { name = '', callId = '' } = lines[index] ?? {};
      const [meta, entryId = ''] = [metas[index], round.ids[entries[index] ?? 0]];
      return meta === undefined ? data : cloudEvent(data, { meta, source, name, callId, entryId });
    });
    return framing === 'websocket' ? frame(texts, null) : sseFrames(texts, cursors);
  }
  const tails = metas.map((meta, index) => metaTail(meta, hasKeys(payloads[index] ?? NO_PAYLOAD)));
  if (framing === 'websocket') return frame(payloads, tails);
  return sseFrames(
    payloads.map((payload, index) => withTail(payload, tails[index] ?? '')),
    cursors,
  );
}

/** The cursor after each of these entries. */
function cursorsAfter(round: Round, entries: readonly number[]): string[] {
  const position = [...round.from];
  let passed = 0;
  return entries.map((entry) => {
    for (; passed <= entry; passed += 1) position[round.partitions[passed] ?? 0] = round.ids[passed] ?? '';
    return round.cursors.seal({ epoch: round.epoch, ids: position });
  });
}

const NO_PAYLOAD = Buffer.alloc(0);
