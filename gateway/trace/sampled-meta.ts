const TRACEPARENT_LENGTH = 55;
const TAB = 0x09;
const ZERO = 0x30;
const NINE = 0x39;

/**
 * Whether a meta line ends with a traceparent of a recorded trace. Called for each read entry while traces are
 * exported: it checks four characters, and may wrongly return true.
 */
export function mayBeSampled(meta: string): boolean {
  const start = meta.length - TRACEPARENT_LENGTH;
  if (start < 1 || meta.charCodeAt(start - 1) !== TAB || meta.charCodeAt(start) !== ZERO) return false;
  const flags = meta.charCodeAt(meta.length - 1);
  // The last bit of a hex digit: the code of 1, 3, 5, ... is odd, that of b, d and f is even.
  return (flags & 1) === (flags > NINE ? 0 : 1);
}

/** The traceparent of a meta line that may be sampled. */
export function traceparentIn(meta: string): string {
  return meta.slice(-TRACEPARENT_LENGTH);
}
