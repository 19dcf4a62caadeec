const NUL = 0;
const MARKS = [Buffer.of(0xff, 0xfe), Buffer.of(0xfe, 0xff)];

/** By its mark, or by the NUL that every ASCII character has there and no text of JSON, YAML or PEM has anywhere. Pure. */
export function isUtf16(bytes: Buffer): boolean {
  if (bytes.length < 2) return false;
  return MARKS.some((mark) => bytes.subarray(0, 2).equals(mark)) || bytes[0] === NUL || bytes[1] === NUL;
}
