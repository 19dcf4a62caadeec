import { allocateFrames, frameHeaderLength, payloadStart, writeFrameHeader } from './frame.ts';

/** The frames of a round, back to back: frame `i` is `buffer[offsets[i] .. offsets[i + 1]]`. */
export interface WholeFrames {
  readonly buffer: Buffer;
  readonly offsets: readonly number[];
}

/** Frames by entry, for the entries that a view needs in this form. */
export interface PieceFrames {
  readonly pieces: readonly (Buffer | undefined)[];
}

/** The frames of a round in one form. */
export type Frames = WholeFrames | PieceFrames;

const EMPTY = Buffer.alloc(0);

export function frameAt(frames: Frames, entry: number): Buffer {
  if ('pieces' in frames) return frames.pieces[entry] ?? EMPTY;
  return frames.buffer.subarray(frames.offsets[entry], frames.offsets[entry + 1]);
}

/** The text of an event in this form. */
export function payloadAt(frames: Frames, entry: number): Buffer {
  const whole = frameAt(frames, entry);
  return whole.subarray(payloadStart(whole, 0));
}

export function payloadsOf(frames: WholeFrames): Buffer[] {
  return frames.offsets.slice(1).map((_, entry) => payloadAt(frames, entry));
}

/** Frames payloads, back to back; with `tails`, a tail replaces each payload's closing brace and anything after it. */
export function frame(payloads: readonly Buffer[], tails: readonly string[] | null): WholeFrames {
  const offsets = [0];
  const tailBytes = tails?.map((tail) => Buffer.from(tail));
  const kept = tails === null ? payloads : payloads.map(openEnded);
  let total = 0;
  for (const [index, payload] of kept.entries()) {
    const length = payload.length + (tailBytes?.[index]?.length ?? 0);
    total += frameHeaderLength(length) + length;
    offsets.push(total);
  }
  const buffer = allocateFrames(total);
  for (const [index, payload] of kept.entries()) {
    const tail = tailBytes?.[index];
    const length = payload.length + (tail?.length ?? 0);
    const start = writeFrameHeader(buffer, offsets[index] ?? 0, length);
    payload.copy(buffer, start);
    tail?.copy(buffer, start + payload.length);
  }
  return { buffer, offsets };
}

const CLOSE = 0x7d;

/** Without the closing brace and anything after it. */
function openEnded(payload: Buffer): Buffer {
  return payload.subarray(0, payload.lastIndexOf(CLOSE));
}

/** A payload in which a tail replaces the closing brace and anything after it. */
export function withTail(payload: Buffer, tail: string): Buffer {
  return Buffer.concat([openEnded(payload), Buffer.from(tail)]);
}

/** Whether an object has a key: only then does it contain a quote. */
export function hasKeys(object: Buffer): boolean {
  return object.includes(QUOTE);
}

const QUOTE = 0x22;
