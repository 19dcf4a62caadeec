import { AddressAllowance } from './address-allowance.ts';

/** Faults of an address that are overlooked at once, and then one more in five seconds. */
const OVERLOOKED = { burst: 20, perSecond: 0.2 };
/** A stream that ends for what its client sent costs more: it held up more. */
const STREAM_FAULT = 5;
/** A stream that ends this soon is a handshake for nothing. */
const SHORT_STREAM_MS = 1_000;

/**
 * Which addresses cause work for nothing: connections without a login or stream that succeeded or met a quota, streams that are ended for
 * their frames, streams of less than a second. What comes from an address with more faults than are overlooked is done
 * slowly, never refused for good: honest clients may share the address. `now` in milliseconds of a clock that never goes
 * back.
 */
export class AddressFaults {
  readonly #overlooked = new AddressAllowance(OVERLOOKED);

  note(address: string, now: number): void {
    this.#overlooked.take(address, now);
  }

  /** A stream has ended. `isAtFault`: for what its client sent. */
  noteStream(address: string, { lastedMs, isAtFault }: { lastedMs: number; isAtFault: boolean }, now: number): void {
    const faults = isAtFault ? STREAM_FAULT : Number(lastedMs < SHORT_STREAM_MS);
    for (let fault = 0; fault < faults; fault += 1) this.note(address, now);
  }

  isSlowedDown(address: string, now: number): boolean {
    return !this.#overlooked.has(address, now);
  }
}
