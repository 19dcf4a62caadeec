/** RFC 6455 5.2: a server's text message in one unmasked frame. */
const FIN_TEXT = 0x81;
/** RFC 7692 6: the payload is compressed. */
const RSV1 = 0x40;
const SHORT = 126;
const LONG = 65_536;

/** Bytes of the frame header before a payload of this size. */
export function frameHeaderLength(payloadLength: number): number {
  if (payloadLength < SHORT) return 2;
  return payloadLength < LONG ? 4 : 10;
}

/** Writes the header of a text frame and returns the offset of the payload. */
export function writeFrameHeader(target: Buffer, offset: number, payloadLength: number, isDeflated = false): number {
  target[offset] = isDeflated ? FIN_TEXT | RSV1 : FIN_TEXT;
  if (payloadLength < SHORT) {
    target[offset + 1] = payloadLength;
    return offset + 2;
  }
  if (payloadLength < LONG) {
    target[offset + 1] = 126;
    target[offset + 2] = payloadLength >>> 8;
    target[offset + 3] = payloadLength & 0xff;
    return offset + 4;
  }
  target[offset + 1] = 127;
  target.writeUInt32BE(Math.floor(payloadLength / 2 ** 32), offset + 2);
  target.writeUInt32BE(payloadLength >>> 0, offset + 6);
  return offset + 10;
}

/** Offset of the payload of the frame at `offset`. */
export function payloadStart(frames: Buffer, offset: number): number {
  const length = frames[offset + 1] ?? 0;
  if (length < SHORT) return offset + 2;
  return offset + (length === SHORT ? 4 : 10);
}

/** `Buffer.allocUnsafe` takes sizes below this from its slab. */
const SHARED_SLAB = 4_096;

/**
 * Room for the frames of a round. Small rounds share a slab: an ArrayBuffer for each would burden the garbage
 * collector.
 */
export function allocateFrames(bytes: number): Buffer {
  return bytes < SHARED_SLAB ? Buffer.allocUnsafe(bytes) : Buffer.allocUnsafeSlow(bytes);
}

/** One text message as a frame. */
export function textFrame(text: string): Buffer {
  const payload = Buffer.byteLength(text);
  const frame = Buffer.allocUnsafe(frameHeaderLength(payload) + payload);
  frame.write(text, writeFrameHeader(frame, 0, payload));
  return frame;
}
