/**
 * Now, in milliseconds, by two clocks: Unix time, by which tokens end and frames are dated, and a monotonic clock.
 * Durations are measured by the latter: a step of the wall clock must neither end nor stop anything.
 */
export interface Moment {
  readonly wall: number;
  readonly steady: number;
}

/** What decides whether a connection is alive. The end of the session is Unix time, the rest by the steady clock. */
export interface Liveness {
  /** When a frame of the peer was last received. Bytes that the local kernel accepted prove nothing about the peer. */
  readonly lastSignOfLife: number;
  readonly lastPing: number;
  readonly sessionEndsAt: number;
}

export type LivenessVerdict = 'fine' | 'ping' | 'no_traffic' | 'token_expired';

export const PING_EVERY_MS = 25_000;
export const DEAD_AFTER_MS = 60_000;

/** What is due for a connection now. Pure. */
export function judgeLiveness(liveness: Liveness, { wall, steady }: Moment): LivenessVerdict {
  if (wall >= liveness.sessionEndsAt) return 'token_expired';
  if (steady - liveness.lastSignOfLife >= DEAD_AFTER_MS) return 'no_traffic';
  return steady - liveness.lastPing >= PING_EVERY_MS ? 'ping' : 'fine';
}
