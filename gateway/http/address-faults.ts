import { AddressAllowance } from './address-allowance.ts';

/** Tolerated faults of an address at once, and then one more in five seconds. */
const OVERLOOKED = { burst: 20, perSecond: 0.2 };
/** A stream that ends because of its client's input costs more, because it blocked more. */
const STREAM_FAULT = 5;
/** A stream that ends this soon is a useless handshake. */
const SHORT_STREAM_MS = 1_000;

/**
 * Finds addresses that cause useless work: connections without a successful login or stream and without a quota
 * refusal, streams that are ended because of their frames, streams of less than a second. Work for an address with more
 * faults than are tolerated is done slowly, but never refused for good: honest clients may share the address. `now` in
 * milliseconds of a monotonic clock.
 */
export class AddressFaults {
  readonly #overlooked = new AddressAllowance(OVERLOOKED);

  note(address: string, now: number): void {
    this.#overlooked.take(address, now);
  }

  /** A stream has ended. `isAtFault`: because of its client's input. */
  noteStream(address: string, { lastedMs, isAtFault }: { lastedMs: number; isAtFault: boolean }, now: number): void {
    const faults = isAtFault ? STREAM_FAULT : Number(lastedMs < SHORT_STREAM_MS);
    for (let fault = 0; fault < faults; fault += 1) this.note(address, now);
  }

  isSlowedDown(address: string, now: number): boolean {
    return !this.#overlooked.has(address, now);
  }
}
