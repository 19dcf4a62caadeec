/**
 * The present time in milliseconds by two clocks. Unix time is for the end of tokens and the dates of frames. A
 * monotonic clock is for durations: a step of the wall clock must neither end nor stop anything.
 */
export interface Moment {
  readonly wall: number;
  readonly steady: number;
}

/**
 * Inputs that decide whether a connection is alive. The end of the session is Unix time, the rest is by the steady
 * clock.
 */
export interface Liveness {
  /** Receipt of the peer's last frame. Bytes that the local kernel accepted prove nothing about the peer. */
  readonly lastSignOfLife: number;
  readonly lastPing: number;
  readonly sessionEndsAt: number;
}

export type LivenessVerdict = 'fine' | 'ping' | 'no_traffic' | 'token_expired';

export const PING_EVERY_MS = 25_000;
export const DEAD_AFTER_MS = 60_000;

/**
 * How often a connection without events gets a sign of life, by its framing: a ping, or a comment of Server-Sent
 * Events.
 */
export const HEARTBEAT_MS = { websocket: PING_EVERY_MS, sse: 15_000 } as const;

/** What is due for a connection now. Pure. */
export function judgeLiveness(liveness: Liveness, { wall, steady }: Moment): LivenessVerdict {
  if (wall >= liveness.sessionEndsAt) return 'token_expired';
  if (steady - liveness.lastSignOfLife >= DEAD_AFTER_MS) return 'no_traffic';
  return steady - liveness.lastPing >= PING_EVERY_MS ? 'ping' : 'fine';
}

/** Bytes given to a socket, and how many of them are still in this process. */
export interface Given {
  readonly bytesWritten: number;
  readonly writableLength: number;
}

/**
 * Whether the peer of a connection that only listens reads. The only visible sign is that its kernel makes room: a peer
 * that takes none of its waiting bytes for a minute is `stuck`. A connection that was given nothing for a while is
 * `silent`, and a comment is due. `now` by the steady clock.
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
