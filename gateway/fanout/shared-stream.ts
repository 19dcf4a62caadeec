import { DICTIONARY_BYTES, deflatedFrameOf, isWorthDeflating } from './deflate.ts';
import { deflateEach } from './fixed-deflate.ts';

const NOTHING = Buffer.alloc(0);

/**
 * The content that the windows of a view's connections have in common. RFC 7692 lets a message refer back to the
 * messages before it. Live connections of a view get the same messages in the same order, so the last bytes of the
 * view's stream are the last bytes of the window of every connection that was there long enough. An event is compressed
 * once against these bytes. A connection keeps one number, its `mark`, and is in step once the stream has advanced by
 * the whole dictionary since (D2). Messages that were sent uncompressed enter no window (RFC 7692 7.2.2) and are not
 * part of the stream.
 */
export class SharedStream {
  #dictionary: Buffer = NOTHING;
  /** Bytes of the stream since it began. */
  #total = 0;

  /** The mark of a connection that gets every compressed message from now on. */
  get mark(): number {
    return this.#total;
  }

  /** Connections with this mark or a smaller one can read the next result of `append`. */
  get inStepUpTo(): number {
    return this.#total - this.#dictionary.length;
  }

  /**
   * The next messages of the stream as frames back to back. A connection that is not in step must get them
   * self-contained.
   */
  append(payloads: readonly Buffer[]): Buffer[] {
    const worth = payloads.filter(isWorthDeflating);
    const past = Buffer.concat([this.#dictionary, ...worth]);
    const start = this.#dictionary.length;
    const lengths = worth.map(({ length }) => length);
    const frames = deflateEach({ bytes: past, start, reach: DICTIONARY_BYTES }, lengths, deflatedFrameOf);
    this.#total += past.length - start;
    // Copies: a slice would keep the whole round in memory.
    this.#dictionary = Buffer.from(past.subarray(Math.max(0, past.length - DICTIONARY_BYTES)));
    return frames;
  }

  /** Every connection got the same messages self-contained: the next message refers to nothing. */
  cut(): void {
    this.#dictionary = NOTHING;
  }
}
