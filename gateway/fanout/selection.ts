import type { Encoding } from './encoding.ts';
import { frameAt, type Frames, type PieceFrames, type WholeFrames } from './frames.ts';
import type { Scratch, ScratchLease } from './scratch.ts';

/** Entries of a round for the same views, in ascending order: gathered and measured once for all of these views. */
export class Part {
  readonly entries: readonly number[];
  /** By the name of the text. */
  readonly #bytes = new Map<string, number>();

  constructor(entries: readonly number[]) {
    this.entries = entries;
  }

  get first(): number {
    return this.entries[0] ?? 0;
  }

  /** The entry after the last one. */
  get end(): number {
    return (this.entries[this.entries.length - 1] ?? -1) + 1;
  }

  bytesOf(frames: Frames, { text }: Encoding): number {
    let bytes = this.#bytes.get(text);
    if (bytes === undefined) {
      bytes = sum(this.entries, (entry) => bytesAt(frames, entry));
      this.#bytes.set(text, bytes);
    }
    return bytes;
  }
}

/** What one view gets of a round: disjoint parts, in the order of their first entries. */
export interface Selection {
  readonly parts: readonly Part[];
  readonly encoding: Encoding;
}

export function countOf({ parts }: Selection): number {
  return sum(parts, ({ entries }) => entries.length);
}

/** The selected frames in one Buffer that connections may share. */
export function seal(frames: Frames, selection: Selection): Buffer {
  const bytes = bytesOf(frames, selection);
  return asTheyLie(frames, selection, bytes) ?? copy(frames, selection, Buffer.allocUnsafeSlow(bytes));
}

/** The selected frames for one connection, in a pooled buffer unless they are adjacent. */
export function fill(frames: Frames, selection: Selection, scratch: Scratch): ScratchLease {
  const bytes = bytesOf(frames, selection);
  const chunk = asTheyLie(frames, selection, bytes);
  if (chunk !== null) return { chunk, release: null };
  const lease = scratch.take(bytes);
  copy(frames, selection, lease.chunk);
  return lease;
}

/** Size of the selected frames, uncompressed. */
export function bytesOf(frames: Frames, { parts, encoding }: Selection): number {
  return sum(parts, (part) => part.bytesOf(frames, encoding));
}

/**
 * Returns a zero-copy slice when the selected frames are contiguous, else null. They are contiguous when their total
 * length equals the length of the whole range.
 */
function asTheyLie(frames: Frames, selection: Selection, bytes: number): Buffer | null {
  if ('pieces' in frames) return asPiecesLie(frames, selection, bytes);
  const { parts } = selection;
  const [first, end] = [parts[0]?.first ?? 0, endOf(parts)];
  if (bytesBetween(frames, first, end) !== bytes) return null;
  return frames.buffer.subarray(frames.offsets[first], frames.offsets[end]);
}

/** Frames that were made for one view alone are contiguous. */
function asPiecesLie({ pieces }: PieceFrames, { parts }: Selection, bytes: number): Buffer | null {
  let first: Buffer | undefined;
  let end = 0;
  for (const entry of inOrder(parts)) {
    const piece = pieces[entry];
    if (piece === undefined) return null;
    first ??= piece;
    if (piece !== first && (piece.buffer !== first.buffer || piece.byteOffset !== end)) return null;
    end = piece.byteOffset + piece.length;
  }
  return first === undefined ? null : Buffer.from(first.buffer, first.byteOffset, bytes);
}

function copy(frames: Frames, { parts }: Selection, target: Buffer): Buffer {
  const entries = inOrder(parts);
  let written = 0;
  if ('pieces' in frames) {
    for (const entry of entries) written += frameAt(frames, entry).copy(target, written);
    return target;
  }
  const { buffer, offsets } = frames;
  for (let index = 0; index < entries.length;) {
    const first = entries[index] ?? 0;
    let end = first;
    while (entries[index] === end) {
      end += 1;
      index += 1;
    }
    written += buffer.copy(target, written, offsets[first], offsets[end]);
  }
  return target;
}

/** With fewer than one selected entry in this many, sorting is cheaper than a scan of all entries. */
const SPARSE = 16;

/** Reused, and all zeros between two calls: one for each view would cost more than the copy. */
let isIn = new Uint8Array(1_024);

/** The selected entries, ascending. */
export function entriesOf({ parts }: Selection): readonly number[] {
  return inOrder(parts);
}

/** The entries of all parts, ascending. */
function inOrder(parts: readonly Part[]): readonly number[] {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only.entries;
  const end = endOf(parts);
  if (sum(parts, ({ entries }) => entries.length) * SPARSE < end) {
    return parts.flatMap(({ entries }) => entries).sort((a, b) => a - b);
  }
  if (isIn.length < end) isIn = new Uint8Array(2 * end);
  for (const { entries } of parts) for (const entry of entries) isIn[entry] = 1;
  const ordered: number[] = [];
  for (let entry = 0; entry < end; entry += 1) {
    if (isIn[entry] === 0) continue;
    isIn[entry] = 0;
    ordered.push(entry);
  }
  return ordered;
}

function endOf(parts: readonly Part[]): number {
  let end = 0;
  for (const part of parts) end = Math.max(end, part.end);
  return end;
}

function bytesAt(frames: Frames, entry: number): number {
  return 'pieces' in frames ? frameAt(frames, entry).length : bytesBetween(frames, entry, entry + 1);
}

function bytesBetween({ offsets }: WholeFrames, first: number, end: number): number {
  return (offsets[end] ?? 0) - (offsets[first] ?? 0);
}

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  let total = 0;
  for (const item of items) total += of(item);
  return total;
}
