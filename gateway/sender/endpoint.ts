/** A pause after the first failure, and the longest one; both with jitter. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;
/** How long a success proves that the endpoint works. */
const SUCCESS_COUNTS_MS = 60_000;
/** This many different failed events without a success in between show that it does not. */
const MOST_SUSPECTS = 5;

/** sending: works. paused: nothing is sent until a time. probing: one request is running, and decides. */
type Phase = 'sending' | 'paused' | 'probing';

/**
 * State of a destination on this replica: a circuit breaker. Pure: `now` is monotonic, in milliseconds, and the caller
 * reports what happened. After a fault of the endpoint it pauses for 1 s to 5 min, or as long as the receiver
 * requested; then one request is sent. Once that succeeds, the number of concurrent requests doubles with each success,
 * up to the limit.
 */
export class Endpoint {
  readonly #concurrency: number;
  readonly #random: () => number;
  #phase: Phase = 'sending';
  #failures = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;
  /** Requests that began earlier are not judged twice. */
  #pausedAt = Number.NEGATIVE_INFINITY;
  #succeededAt = Number.NEGATIVE_INFINITY;
  #allowance: number;
  #inFlight = 0;
  /** Ids of failed events since the last success. */
  readonly #suspects = new Set<string>();

  constructor(concurrency: number, random: () => number = Math.random) {
    this.#concurrency = concurrency;
    this.#allowance = concurrency;
    this.#random = random;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** When a paused endpoint is tried again; in the past for one that is not paused. */
  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  /** Failures since the last success, each a pause. */
  get failures(): number {
    return this.#failures;
  }

  /**
   * Whether other events succeed, so that a failure belongs to the event itself: one succeeded within the last minute,
   * and few others have failed since.
   */
  othersSucceed(eventId: string, now: number): boolean {
    const others = this.#suspects.size - (this.#suspects.has(eventId) ? 1 : 0);
    return now - this.#succeededAt < SUCCESS_COUNTS_MS && others < MOST_SUSPECTS;
  }

  /** How many requests may begin now. */
  roomAt(now: number): number {
    if (this.#phase === 'sending') return Math.max(0, this.#allowance - this.#inFlight);
    const mayProbe = this.#phase === 'paused' && now >= this.#pausedUntil && this.#inFlight === 0;
    return mayProbe ? 1 : 0;
  }

  begin(): void {
    this.#inFlight += 1;
    if (this.#phase === 'paused') this.#phase = 'probing';
  }

  /** A request ended without a result for the endpoint: the gateway cut it off. */
  cut(now: number): void {
    this.#inFlight -= 1;
    if (this.#phase !== 'probing') return;
    this.#phase = 'paused';
    this.#pausedUntil = now;
  }

  /** The endpoint accepted an event. */
  succeeds(now: number): void {
    this.#succeededAt = now;
    this.#suspects.clear();
    this.works();
  }

  /** It refused an event that is itself at fault. */
  refuses(eventId: string): void {
    if (this.#suspects.size <= MOST_SUSPECTS) this.#suspects.add(eventId);
    this.works();
  }

  /** It answered like an endpoint that works. */
  works(): void {
    this.#inFlight -= 1;
    // A request that began before the pause does not affect the pause that the receiver requested.
    if (this.#phase === 'paused') return;
    if (this.#phase === 'probing') this.#allowance = 1;
    else this.#allowance = Math.min(this.#concurrency, this.#allowance * 2);
    this.#phase = 'sending';
    this.#failures = 0;
  }

  /** A person says that it works again: it is tried at once. */
  tryNow(now: number): void {
    if (this.#phase === 'paused') this.#pausedUntil = now;
  }

  /** A fault of the endpoint of a request that began at `begunAt`. */
  fails(now: number, { begunAt, retryAfterMs }: { begunAt: number; retryAfterMs: number | null }): void {
    this.#inFlight -= 1;
    if (this.#phase === 'paused' && begunAt < this.#pausedAt) {
      // Further faults of the same outage: only a longer requested wait counts.
      if (retryAfterMs !== null) this.#pausedUntil = Math.max(this.#pausedUntil, now + retryAfterMs);
      return;
    }
    const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(this.#failures, 20));
    this.#failures += 1;
    this.#phase = 'paused';
    this.#pausedAt = now;
    this.#pausedUntil = now + (retryAfterMs ?? Math.round(ceiling * (1 - this.#random() / 2)));
  }
}
