const NUL = 0;
const MARKS = [Buffer.of(0xff, 0xfe), Buffer.of(0xfe, 0xff)];

/** Detected by its mark, or by the NUL in every ASCII character, which no JSON, YAML or PEM text contains. Pure. */
export function isUtf16(bytes: Buffer): boolean {
  if (bytes.length < 2) return false;
  return MARKS.some((mark) => bytes.subarray(0, 2).equals(mark)) || bytes[0] === NUL || bytes[1] === NUL;
}
