const LINE_FEED = 0x0a;
const MAX_HEADER_BYTES = 65_536;
/** Approximate size of a listing of 30,000 channels. */
const MAX_BODY_BYTES = 33_554_432;
/** A short decimal number; 0x10, 1e9 and -1 are invalid. */
const LENGTH = /^\d{1,9}$/;

/** One message of the event socket: header block, empty line, `Content-Length` bytes. */
export interface EslMessage {
  /** Values are URL-decoded. Of a repeated key, the last value counts. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export class EslError extends Error {
  override readonly name = 'EslError';
  /** Stable code. */
  readonly code: 'header_too_long' | 'body_too_long' | 'bad_length';

  constructor(code: EslError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

export interface EslParser {
  /**
   * Messages completed by this chunk, in order. Throws an EslError when the stream is not that of the event socket: the
   * connection is unusable then.
   */
  push(chunk: Buffer): EslMessage[];
  /** The same, message by message: `feed` the bytes, then call `take` until it returns null. */
  feed(chunk: Buffer): void;
  next(): EslMessage | null;
  /** Number of buffered bytes of the incomplete message. */
  pending(): number;
  /** The buffered bytes; after a message's header was read, the bytes of its body. */
  rest(): Buffer;
}

/** Parses the event socket's stream in chunks of any size. */
export function createEslParser(): EslParser {
  return new Parser();
}

class Parser implements EslParser {
  #parts: Buffer[] = [];
  #bytes = 0;
  #headers: Record<string, string> | null = null;
  /** Bytes needed before the next attempt: those of the body, or one more than the header has. */
  #needed = 1;

  push(chunk: Buffer): EslMessage[] {
    this.feed(chunk);
    const messages: EslMessage[] = [];
    for (let message = this.next(); message !== null; message = this.next()) messages.push(message);
    return messages;
  }

  feed(chunk: Buffer): void {
    if (chunk.length > 0) this.#parts.push(chunk);
    this.#bytes += chunk.length;
  }

  next(): EslMessage | null {
    while (this.#bytes >= this.#needed) {
      const message = this.#headers === null ? this.#readHeader() : this.#readBody(this.#headers);
      if (message !== null) return message;
    }
    return null;
  }

  rest(): Buffer {
    return this.#join();
  }

  pending(): number {
    return this.#bytes;
  }

  #readHeader(): EslMessage | null {
    const whole = this.#join();
    const start = skipLineFeeds(whole);
    const end = whole.indexOf('\n\n', start);
    if (end < 0) {
      if (whole.length - start > MAX_HEADER_BYTES) {
        throw new EslError('header_too_long', `A header block is longer than ${MAX_HEADER_BYTES} bytes`);
      }
      this.#consume(whole, start);
      this.#needed = this.#bytes + 1;
      return null;
    }
    const headers = parseHeaders(whole.toString('utf8', start, end));
    this.#consume(whole, end + 2);
    const length = bodyLength(headers);
    if (length === 0) {
      this.#needed = 1;
      return { headers, body: Buffer.alloc(0) };
    }
    this.#headers = headers;
    this.#needed = length;
    return null;
  }

  #readBody(headers: Readonly<Record<string, string>>): EslMessage {
    const whole = this.#join();
    // Copies: the slice would keep the whole chunk in memory for the lifetime of the message.
    const body = Buffer.from(whole.subarray(0, this.#needed));
    this.#consume(whole, this.#needed);
    this.#headers = null;
    this.#needed = 1;
    return { headers, body };
  }

  #join(): Buffer {
    const [first] = this.#parts;
    return this.#parts.length === 1 && first !== undefined ? first : Buffer.concat(this.#parts);
  }

  #consume(whole: Buffer, count: number): void {
    const rest = whole.subarray(count);
    this.#bytes = rest.length;
    this.#parts = rest.length === 0 ? [] : [rest];
  }
}

/** A header block: `Key: value` lines, values URL-encoded. */
export function parseHeaders(text: string): Record<string, string> {
  const headers = Object.create(null) as Record<string, string>;
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    headers[line.slice(0, colon).trim()] = decode(line.slice(colon + 1).trim());
  }
  return headers;
}

function bodyLength(headers: Readonly<Record<string, string>>): number {
  const given = headers['Content-Length'];
  if (given === undefined) return 0;
  if (!LENGTH.test(given)) throw new EslError('bad_length', 'A Content-Length is not a number');
  const length = Number(given);
  if (length > MAX_BODY_BYTES) throw new EslError('body_too_long', `A body is longer than ${MAX_BODY_BYTES} bytes`);
  return length;
}

/** A `%` without a valid escape stands for itself. */
function decode(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function skipLineFeeds(bytes: Buffer): number {
  let at = 0;
  while (bytes[at] === LINE_FEED) at += 1;
  return at;
}
