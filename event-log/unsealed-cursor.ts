import type { Position } from '../protocol/position.ts';

/**
 * Cursors of versions before 0.2, which were not sealed. Layout before base64url: a format byte, a length-prefixed
 * epoch, then for each partition the milliseconds as a zigzag difference to the previous partition, and the sequence,
 * as LEB128.
 */
const FORMAT = 1;

/** Null when the text is not such a cursor of `partitions` partitions. */
export function decodeUnsealed(text: string, partitions: number): Position | null {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes[0] !== FORMAT) return null;
  const epochEnd = 2 + (bytes[1] ?? 0);
  if (epochEnd > bytes.length) return null;
  const integers = readIntegers(bytes.subarray(epochEnd));
  if (integers?.length !== partitions * 2) return null;
  const ids: string[] = [];
  let milliseconds = 0;
  for (let index = 0; index < integers.length; index += 2) {
    const zigzag = integers[index] ?? 0;
    milliseconds += zigzag % 2 === 1 ? -(zigzag + 1) / 2 : zigzag / 2;
    if (milliseconds < 0) return null;
    ids.push(`${milliseconds}-${integers[index + 1] ?? 0}`);
  }
  return { epoch: bytes.toString('latin1', 2, epochEnd), ids };
}

function readIntegers(bytes: Buffer): number[] | null {
  const integers: number[] = [];
  let value = 0;
  let scale = 1;
  for (const byte of bytes) {
    value += (byte % 0x80) * scale;
    scale *= 0x80;
    if (value > Number.MAX_SAFE_INTEGER) return null;
    if (byte < 0x80) {
      integers.push(value);
      value = 0;
      scale = 1;
    }
  }
  return scale === 1 ? integers : null;
}
