import type { SwitchEvent } from '../mapper.ts';
import { GREETING, MessageReader } from './ami-message.ts';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const MAX_MESSAGE_BYTES = 1_048_576;
const MAX_GREETING_BYTES = 128;
/** The end of a line and an empty line after it. */
const BARE_END = '\n\n';
const FULL_END = '\n\r\n';

export class AmiError extends Error {
  override readonly name = 'AmiError';
  /** Stable code. */
  readonly code = 'message_too_long';
}

export interface AmiParser {
  /**
   * Messages completed by this chunk, in order: events have `Event`, answers have `Response`, the greeting has
   * `Banner`. A repeated key has a list. Throws an AmiError when a message exceeds the limit without ending.
   */
  push(chunk: Buffer): SwitchEvent[];
  /** Number of buffered bytes of the incomplete message. */
  pending(): number;
}

/**
 * Parses the stream of the manager interface, in chunks of any size: `Key: value` lines, an empty line after each
 * message.
 */
export function createAmiParser(): AmiParser {
  return new Parser();
}

class Parser implements AmiParser {
  readonly #reader = new MessageReader();
  #rest: Buffer = Buffer.alloc(0);
  /** Bytes of `#rest` in which no message ends. */
  #searched = 0;

  push(chunk: Buffer): SwitchEvent[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    // A byte a character: searched faster than the bytes.
    const ends = new MessageEnds(bytes.toString('latin1'));
    const messages: SwitchEvent[] = [];
    let start = 0;
    for (let end = ends.after(start, this.#searched); end >= 0; end = ends.after(start, start)) {
      const message = this.#reader.read(bytes.toString('utf8', start, end));
      if (message !== null) messages.push(message);
      start = end;
    }
    if (bytes.length - start > MAX_MESSAGE_BYTES) {
      throw new AmiError(`A message is longer than ${MAX_MESSAGE_BYTES} bytes`);
    }
    // Copies: a slice would keep the whole chunk in memory.
    this.#rest = Buffer.from(bytes.subarray(start));
    this.#searched = this.#rest.length;
    return messages;
  }

  pending(): number {
    return this.#rest.length;
  }
}

/** Finds where messages end in a text. */
class MessageEnds {
  readonly #text: string;
  readonly #bare: Finder;
  readonly #full: Finder;

  constructor(text: string) {
    this.#text = text;
    this.#bare = new Finder(text, BARE_END);
    this.#full = new Finder(text, FULL_END);
  }

  /** Just after the message that begins at `start`, or -1. No message ends before `searched`. */
  after(start: number, searched: number): number {
    const text = this.#text;
    if (text.charCodeAt(start) === LINE_FEED) return start + 1;
    if (text.charCodeAt(start) === CARRIAGE_RETURN && text.charCodeAt(start + 1) === LINE_FEED) return start + 2;
    if (text.startsWith(GREETING, start)) {
      const feed = text.indexOf('\n', start);
      if (feed >= 0 && feed - start < MAX_GREETING_BYTES) return feed + 1;
    }
    const from = Math.max(start, searched - FULL_END.length + 1);
    const end = Math.min(this.#bare.after(from), this.#full.after(from));
    return end === Infinity ? -1 : end;
  }
}

/** Finds one word again and again, and looks at each byte once. */
class Finder {
  readonly #text: string;
  readonly #word: string;
  #at = -1;

  constructor(text: string, word: string) {
    this.#text = text;
    this.#word = word;
  }

  /** Just after the first one from here on; Infinity when there is none. The places asked for only grow. */
  after(from: number): number {
    if (this.#at < from) {
      const at = this.#text.indexOf(this.#word, from);
      this.#at = at < 0 ? Infinity : at;
    }
    return this.#at + this.#word.length;
  }
}
