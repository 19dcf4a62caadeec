/** Sends a ping at least after this many events, and after this many milliseconds. */
const EVERY_EVENTS = 500;
const EVERY_MS = 1_000;
const PREFIX = 'group:';

/**
 * Finds out how far a plain client has read, by numbered pings: the pong (RFC 6455 5.5.3) acknowledges everything
 * written before the ping. One ping is pending at a time, unless much was written since or it is not answered.
 */
export class Pinger {
  readonly #ping: (payload: Buffer) => void;
  #written = 0;
  #pinged = 0;
  #answered = 0;
  #timer: NodeJS.Timeout | null = null;

  constructor(ping: (payload: Buffer) => void) {
    this.#ping = ping;
  }

  /** Delivery `delivery` and all earlier ones are written. */
  wrote(delivery: number): void {
    this.#written = delivery;
    if (this.#pinged <= this.#answered || delivery - this.#pinged >= EVERY_EVENTS) this.#send();
    else this.#timer ??= setTimeout(() => this.#send(), EVERY_MS);
  }

  /** The last delivery that a pong acknowledges; null when it answers none of these pings. */
  answered(payload: Buffer): number | null {
    const text = payload.length <= 32 ? payload.toString('latin1') : '';
    const delivery = text.startsWith(PREFIX) ? Number(text.slice(PREFIX.length)) : Number.NaN;
    if (!Number.isInteger(delivery) || delivery <= this.#answered || delivery > this.#pinged) return null;
    this.#answered = delivery;
    if (this.#pinged === delivery && this.#written > delivery) this.#send();
    return delivery;
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #send(): void {
    this.stop();
    if (this.#pinged === this.#written) return;
    this.#pinged = this.#written;
    this.#ping(Buffer.from(`${PREFIX}${this.#written}`));
  }
}
