import { legKey, type LegName } from '../protocol/call.ts';
import type { NewEvent } from './event-log.ts';
import { ENDED_MS, isEnd, type GivenEnd } from './late-end.ts';

const MOST = 100_000;

/** The synthetic ends of legs in the embedded log, as long as the log remembers them. */
export class EmbeddedEnds {
  /** By leg, the oldest first. */
  readonly #ends = new Map<string, GivenEnd & { readonly until: number }>();

  /** For an event that ends a leg with a synthetic end; null for every other event. */
  of(event: NewEvent, now: number): GivenEnd | null {
    return isEnd(event) ? this.given(event, now) : null;
  }

  given(leg: LegName, now: number): GivenEnd | null {
    const end = this.#ends.get(legKey(leg));
    return end === undefined || end.until <= now ? null : end;
  }

  give(leg: LegName, end: GivenEnd, now: number): void {
    for (const [key, { until }] of this.#ends) {
      if (this.#ends.size < MOST && until > now) break;
      this.#ends.delete(key);
    }
    this.#ends.set(legKey(leg), { ...end, until: now + ENDED_MS });
  }
}
