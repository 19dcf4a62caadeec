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

/** How often a connection without events hears something, by its framing: a ping, or a comment of Server-Sent Events. */
export const HEARTBEAT_MS = { websocket: PING_EVERY_MS, sse: 15_000 } as const;

/** What is due for a connection now. Pure. */
export function judgeLiveness(liveness: Liveness, { wall, steady }: Moment): LivenessVerdict {
  if (wall >= liveness.sessionEndsAt) return 'token_expired';
  if (steady - liveness.lastSignOfLife >= DEAD_AFTER_MS) return 'no_traffic';
  return steady - liveness.lastPing >= PING_EVERY_MS ? 'ping' : 'fine';
}

/** What a socket was given, and what of it this process still holds, in bytes. */
export interface Given {
  readonly bytesWritten: number;
  readonly writableLength: number;
}

/**
 * Whether the peer of a connection that only listens takes what it is given. All that can be seen of it is what its kernel
 * makes room for: one that takes nothing of what waits for it is `stuck` after a minute. One that has been given nothing for
 * a while hears a `silent` connection. `now` by the steady clock.
 */
export class Uptake {
  #taken = 0;
  #takenAt: number;
  #given = 0;
  #givenAt: number;

  constructor(now: number) {
    this.#takenAt = now;
    this.#givenAt = now;
  }

  judge({ bytesWritten, writableLength }: Given, now: number): 'fine' | 'silent' | 'stuck' {
    const taken = bytesWritten - writableLength;
    if (writableLength === 0 || taken > this.#taken) this.#takenAt = now;
    if (bytesWritten > this.#given) this.#givenAt = now;
    this.#taken = taken;
    this.#given = bytesWritten;
    if (now - this.#takenAt >= DEAD_AFTER_MS) return 'stuck';
    return now - this.#givenAt >= HEARTBEAT_MS.sse ? 'silent' : 'fine';
  }
}
