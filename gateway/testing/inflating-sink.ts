import { constants, inflateRawSync } from 'node:zlib';
import { payloadStart } from '../fanout/frame.ts';
import { RecordingSink } from './sink.ts';

/** RFC 7692 7.1.2: the longest window there is. */
const WINDOW_BYTES = 32 * 1024;
const FLUSH_TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);

/**
 * A client that negotiated permessage-deflate and follows RFC 7692 exactly: its window contains only the compressed
 * messages that it received, so that it cannot read a frame that refers to anything else. `forgets`: it keeps no window
 * between messages.
 */
export class InflatingSink extends RecordingSink {
  readonly texts: string[] = [];
  compressed = 0;
  readonly #forgets: boolean;
  #window: Buffer = Buffer.alloc(0);

  constructor(forgets = false) {
    super();
    this.#forgets = forgets;
  }

  override write(chunk: Buffer, release: (() => void) | null): void {
    for (let offset = 0; offset < chunk.length;) offset = this.#read(chunk, offset);
    super.write(chunk, release);
  }

  /** Returns the offset of the next frame. */
  #read(chunk: Buffer, offset: number): number {
    const first = chunk[offset] ?? 0;
    if ((first & 0xbf) !== 0x81) throw new Error(`not a text frame at byte ${offset}: ${first}`);
    const start = payloadStart(chunk, offset);
    const short = chunk[offset + 1] ?? 0;
    const length =
      short < 126 ? short : short === 126 ? chunk.readUInt16BE(offset + 2) : Number(chunk.readBigUInt64BE(offset + 2));
    const payload = chunk.subarray(start, start + length);
    if (payload.length < length) throw new Error('a frame is cut off');
    this.texts.push((first === 0xc1 ? this.#inflate(payload) : payload).toString());
    return start + length;
  }

  #inflate(payload: Buffer): Buffer {
    const dictionary = this.#forgets ? undefined : this.#window;
    const text = inflateRawSync(Buffer.concat([payload, FLUSH_TAIL]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(dictionary !== undefined && dictionary.length > 0 && { dictionary }),
    });
    this.compressed += 1;
    this.#window = Buffer.concat([this.#window, text]).subarray(-WINDOW_BYTES);
    return text;
  }
}
