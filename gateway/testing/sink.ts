import type { Sink } from '../fanout/connection.ts';
import { payloadStart } from '../fanout/frame.ts';

/** A connection's far end: accepts frames like a socket, and can be told to stop. */
export class RecordingSink implements Sink {
  readonly chunks: Buffer[] = [];
  queued = 0;
  #stalled = false;
  #waiting: (() => void)[] = [];

  write(chunk: Buffer, release: (() => void) | null): void {
    // Copies: the chunk may be pooled and is valid only until it is released.
    this.chunks.push(Buffer.from(chunk));
    if (this.#stalled) this.queued += chunk.length;
    release?.();
  }

  whenDrained(callback: () => void): void {
    if (this.#stalled) this.#waiting.push(callback);
    else setImmediate(callback);
  }

  stall(): void {
    this.#stalled = true;
  }

  flow(): void {
    this.#stalled = false;
    this.queued = 0;
    for (const callback of this.#waiting.splice(0)) setImmediate(callback);
  }

  /** The payloads of all frames so far, in order; fails on a chunk that does not consist of whole text frames. */
  messages(fromChunk = 0): string[] {
    return this.chunks.slice(fromChunk).flatMap(payloads);
  }
}

/** The text messages in a chunk of whole, unmasked, unfragmented frames. */
export function payloads(chunk: Buffer): string[] {
  const messages: string[] = [];
  let offset = 0;
  while (offset < chunk.length) {
    if (chunk[offset] !== 0x81) throw new Error(`not a text frame at byte ${offset}`);
    const start = payloadStart(chunk, offset);
    const short = chunk[offset + 1] ?? 0;
    const length =
      short < 126 ? short : short === 126 ? chunk.readUInt16BE(offset + 2) : Number(chunk.readBigUInt64BE(offset + 2));
    if (start + length > chunk.length) throw new Error('a frame is cut off');
    messages.push(chunk.toString('utf8', start, start + length));
    offset = start + length;
  }
  return messages;
}
