/** Limits for slow or greedy clients of the public listener. Node's own defaults leave a slow header 95 s. */
export const LIMITS = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 10_000,
  handshakeTimeoutMs: 10_000,
  keepAliveTimeoutMs: 30_000,
  checkEveryMs: 1_000,
  headerBytes: 8 * 1024,
  headers: 64,
  requestsPerSocket: 100,
  /** A connection that has not sent its first bytes, or its whole PROXY header, by then is cut off. */
  firstBytesMs: 5_000,
  /** An ended connection may still read its answer for this long. */
  lingerMs: 1_000,
  /** What is still under way when the listener closes gets this long. */
  closeMs: 500,
};

export type Limits = typeof LIMITS;
