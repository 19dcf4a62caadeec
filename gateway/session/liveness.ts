/** What decides whether a connection is alive. Times in milliseconds, bytes as a running total. */
export interface Liveness {
  /** When something was last received, or the peer's kernel last took bytes. */
  readonly lastSignOfLife: number;
  readonly lastPing: number;
  readonly sessionEndsAt: number;
}

export type LivenessVerdict = 'fine' | 'ping' | 'no_traffic' | 'token_expired';

export const PING_EVERY_MS = 25_000;
export const DEAD_AFTER_MS = 60_000;

/** A pong stuck behind a moving backlog is no dead peer: bytes that are taken count as a sign of life. */
export function judgeLiveness(liveness: Liveness, now: number): LivenessVerdict {
  if (now >= liveness.sessionEndsAt) return 'token_expired';
  if (now - liveness.lastSignOfLife >= DEAD_AFTER_MS) return 'no_traffic';
  return now - liveness.lastPing >= PING_EVERY_MS ? 'ping' : 'fine';
}
