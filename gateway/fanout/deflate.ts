import { constants, deflateRawSync, type ZlibOptions } from 'node:zlib';
import { frameHeaderLength, writeFrameHeader } from './frame.ts';

/** How much of a view's stream its next event may refer back to. */
export const DICTIONARY_BYTES = 8 * 1024;

/** Fewer bytes gain little; more would block other work during compression. */
const LEAST_BYTES = 200;
const MOST_BYTES = 64 * 1024;

/** Level 9 gains 3 % and costs twice as much. */
const OPTIONS: ZlibOptions = {
  level: 1,
  memLevel: 8,
  windowBits: 14,
  finishFlush: constants.Z_SYNC_FLUSH,
};

/** End of a flush, which a message omits (RFC 7692 7.2.1). */
const FLUSH_TAIL = 4;

/** Whether a message is worth compressing. Otherwise it is sent uncompressed, and enters no window. Pure. */
export function isWorthDeflating(payload: Buffer): boolean {
  return payload.length >= LEAST_BYTES && payload.length <= MOST_BYTES;
}

/** One text message as a self-contained compressed frame (RFC 7692 7.2.1). Pure. */
export function deflatedFrame(payload: Buffer): Buffer {
  const whole = deflateRawSync(payload, OPTIONS);
  return deflatedFrameOf(whole.subarray(0, whole.length - FLUSH_TAIL));
}

/** A compressed payload, copied into its frame. Pure. */
export function deflatedFrameOf(payload: Uint8Array): Buffer {
  const { length } = payload;
  const frame = Buffer.allocUnsafe(frameHeaderLength(length) + length);
  frame.set(payload, writeFrameHeader(frame, 0, length, true));
  return frame;
}
