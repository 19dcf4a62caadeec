/** Limits for slow or greedy clients of the public listener. Node's own defaults allow 95 s for a slow header. */
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
  /** How long an ended connection may still read its answer. */
  lingerMs: 1_000,
  /** How long running requests may take when the listener closes. */
  closeMs: 500,
};

export type Limits = typeof LIMITS;
