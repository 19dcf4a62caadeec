import { readEslMessage } from '../esl/esl-event.ts';
import { createEslParser, EslError } from '../esl/esl-parser.ts';
import { eventItem, faultItem, type CaptureItem } from './capture-item.ts';

/** A message begins with one of these headers. A capture that begins within a message starts with something else. */
const HEADER = /^[A-Za-z][A-Za-z0-9-]*: /m;
/** Every message with a body has this header, as the first one, or as the second after its type. */
const MARK = Buffer.from('Content-Length: ');
const TYPE_BEFORE = /Content-Type: [^\n]{1,64}\n$/;
const LONGEST_TYPE = 80;

/**
 * The bytes of the event socket in any format, or the events that `fs_cli` prints. After a message that was cut, it
 * continues with the next one.
 */
export async function* readEsl(chunks: AsyncIterable<Buffer>): AsyncGenerator<CaptureItem> {
  const reader = new EslReader();
  for await (const chunk of chunks) yield* reader.take(chunk);
  yield* reader.end();
}

class EslReader {
  #parser = createEslParser();
  #number = 0;
  /** Bytes in which the next message is searched; null while messages follow each other. */
  #lost: Buffer | null = null;
  #hasBegun = false;

  *take(chunk: Buffer): Generator<CaptureItem> {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      if (!HEADER.test(chunk.toString('latin1', 0, 128).trimStart())) {
        yield this.#fault('the capture begins within a message, or is none of the event socket');
        this.#lost = Buffer.alloc(0);
      }
    }
    let bytes: Buffer | null = chunk;
    while (bytes !== null) {
      if (this.#lost !== null) bytes = this.#findNext(bytes);
      if (bytes === null) return;
      bytes = yield* this.#read(bytes);
    }
  }

  *end(): Generator<CaptureItem> {
    if (this.#lost === null && this.#parser.pending() > 0) yield this.#fault('the message does not end');
  }

  /**
   * Null when all of it was read; else the rest after a message that was cut, in which the next message is searched.
   */
  *#read(bytes: Buffer): Generator<CaptureItem, Buffer | null> {
    try {
      this.#parser.feed(bytes);
      for (let message = this.#parser.next(); message !== null; message = this.#parser.next()) {
        const read = readEslMessage(message);
        if (read.kind === 'event') yield eventItem((this.#number += 1), read.event);
        else if (read.kind === 'malformed') {
          yield this.#fault(read.detail);
          return this.#lose(message.body);
        } else if (read.kind === 'other' && read.contentType === '')
          yield this.#fault('no message of the event socket');
        else this.#number += 1;
      }
      return null;
    } catch (error) {
      if (!(error instanceof EslError)) throw error;
      yield this.#fault(`no stream of the event socket: ${error.message}`);
      return this.#lose(Buffer.alloc(0)).subarray(1);
    }
  }

  /** The body may contain the messages after the one that was cut. */
  #lose(body: Buffer): Buffer {
    const rest = Buffer.concat([body, this.#parser.rest()]);
    this.#parser = createEslParser();
    this.#lost = Buffer.alloc(0);
    return rest;
  }

  #findNext(bytes: Buffer): Buffer | null {
    const all = Buffer.concat([this.#lost ?? Buffer.alloc(0), bytes]);
    const place = all.indexOf(MARK);
    if (place < 0) {
      this.#lost = Buffer.from(all.subarray(Math.max(0, all.length - LONGEST_TYPE - MARK.length)));
      return null;
    }
    this.#lost = null;
    const before = TYPE_BEFORE.exec(all.toString('latin1', Math.max(0, place - LONGEST_TYPE), place));
    return all.subarray(place - (before?.[0].length ?? 0));
  }

  #fault(detail: string): CaptureItem {
    return faultItem((this.#number += 1), detail);
  }
}
