import { AddressAllowance } from './address-allowance.ts';

/**
 * Milliseconds of the main thread that an address may use at once without a stream, and further ones for each second.
 * Logins with a connection of their own take a bit more than two each: it is 18 of them, and then two a second.
 */
const FREE = { burst: 40, perSecond: 5 };
/** A TLS handshake and one request; and a further request. */
const CONNECTION_MS = 2.2;
const REQUEST_MS = 1;
/** A stream pays for some logins. */
const PAID_BY_STREAM_MS = 10;
/** A stream that ends sooner than this has paid for nothing. */
const SHORT_STREAM_MS = 30_000;

/** Stands for the clients behind trusted proxies, until a request names them: it is never in debt. */
export const NO_ADDRESS = '';

/**
 * Finds addresses that are in debt: they have used the main thread without opening streams, for example by logins alone.
 * Their work is patient, see `Turns`. A crowd of clients that reconnect is not in debt, because its streams pay, and nobody is while no events could be delayed. `now` in
 * milliseconds of a monotonic clock.
 */
export class AddressCosts {
  readonly #free = new AddressAllowance(FREE);
  readonly #doEventsFlow: (now: number) => boolean;

  /** `doEventsFlow`: whether events are delivered, see `eventFlow`. */
  constructor(doEventsFlow: (now: number) => boolean) {
    this.#doEventsFlow = doEventsFlow;
  }

  /** Addresses in memory. */
  get size(): number {
    return this.#free.size;
  }

  /** Its stream, if it opens one, returns it. */
  connectionBegan(address: string, now: number): void {
    this.#free.spend(address, CONNECTION_MS, now);
  }

  /** A request was answered that was not the first of its connection. */
  requestAnswered(address: string, now: number): void {
    this.#free.spend(address, REQUEST_MS, now);
  }

  streamOpened(address: string, now: number): void {
    this.#free.giveBack(address, now, CONNECTION_MS + PAID_BY_STREAM_MS);
  }

  streamEnded(address: string, lastedMs: number, now: number): void {
    if (lastedMs < SHORT_STREAM_MS) this.#free.spend(address, CONNECTION_MS + PAID_BY_STREAM_MS, now);
  }

  isInDebt(address: string, now: number): boolean {
    return address !== NO_ADDRESS && !this.#free.has(address, now) && this.#doEventsFlow(now);
  }
}
