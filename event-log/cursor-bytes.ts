import { BEFORE_EVERYTHING, splitId, type Position } from '../protocol/position.ts';

/**
 * A position as bytes, of the same length for all usual positions of a log: the length must not reveal which partitions
 * are busy. Compact layout: number of partitions, length-prefixed epoch, the latest millisecond, then for each
 * partition its distance from that millisecond plus one, and its sequence; 0 for a partition at its start. Numbers are
 * LEB128. Ids beyond 2^53 are written as text after a 0.
 */
export function positionBytes(position: Position): Buffer {
  const ids = position.ids.map(splitId);
  const isCompact = ids.every(([milliseconds, sequence]) => isExact(milliseconds) && isExact(sequence));
  const bytes = isCompact ? compact(position, ids) : textual(position);
  const usual = 1 + 1 + epochBytes(position.epoch).length + LATEST_BYTES + position.ids.length * ID_BYTES;
  const padded = Math.ceil(Math.max(usual, bytes.length) / STEP) * STEP;
  return Buffer.concat([bytes], padded);
}

/** Null when the bytes are not a position of this many partitions. */
export function positionOfBytes(bytes: Buffer, partitions: number): Position | null {
  if (bytes[0] === 0) return ofText(bytes, partitions);
  if (bytes[0] !== partitions) return null;
  const isPacked = (bytes[1] ?? 0) >= PACKED;
  const epochEnd = 2 + ((bytes[1] ?? 0) % PACKED);
  const read = createReader(bytes, epochEnd);
  const latest = read();
  const ids: string[] = [];
  for (let partition = 0; partition < partitions; partition += 1) {
    const distance = read();
    ids.push(distance === 0 ? BEFORE_EVERYTHING : `${latest - distance + 1}-${read()}`);
  }
  return { epoch: bytes.toString(isPacked ? 'base64url' : 'latin1', 2, epochEnd), ids };
}

/** Most bytes of the latest millisecond, and of an id within a day of it, in practice. */
const LATEST_BYTES = 6;
const ID_BYTES = 5;
const STEP = 8;
/** Added to the length of an epoch that is stored as the bytes of its base64url, as every epoch made by a log is. */
const PACKED = 0x80;

function isExact(value: number): boolean {
  return value <= Number.MAX_SAFE_INTEGER;
}

function compact({ epoch, ids: texts }: Position, ids: readonly (readonly [number, number])[]): Buffer {
  const latest = Math.max(...ids.map(([milliseconds]) => milliseconds));
  const packed = epochBytes(epoch);
  const bytes = [ids.length, packed.length + (packed.length < epoch.length ? PACKED : 0), ...packed];
  pushInteger(bytes, latest);
  for (const [partition, [milliseconds, sequence]] of ids.entries()) {
    if (texts[partition] === BEFORE_EVERYTHING) bytes.push(0);
    else {
      pushInteger(bytes, latest - milliseconds + 1);
      pushInteger(bytes, sequence);
    }
  }
  return Buffer.from(bytes);
}

function epochBytes(epoch: string): Buffer {
  const packed = Buffer.from(epoch, 'base64url');
  return packed.toString('base64url') === epoch ? packed : Buffer.from(epoch, 'latin1');
}

function textual({ epoch, ids }: Position): Buffer {
  return Buffer.from(`\0${[epoch, ...ids].join(' ')}`, 'latin1');
}

function ofText(bytes: Buffer, partitions: number): Position | null {
  const [epoch = '', ...ids] = bytes.toString('latin1', 1).replace(/\0+$/, '').split(' ');
  return ids.length === partitions ? { epoch, ids } : null;
}

function pushInteger(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}

/** Reads one integer after the other; after the end they are 0. */
function createReader(bytes: Buffer, from: number): () => number {
  let at = from;
  return () => {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = bytes[at] ?? 0;
      at += 1;
      value += (byte % 0x80) * scale;
      if (byte < 0x80) return value;
    }
  };
}
