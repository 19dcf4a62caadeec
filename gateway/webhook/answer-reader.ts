/** Limit of the heads of an answer, as Node.js has it. */
const HEAD_BYTES = 16_384;
/** Limit of the line before a chunk of a body. */
const LINE_BYTES = 256;
/** Part of a body that is read; an answer with more is cut. */
const BODY_BYTES = 1_024;

const BEGIN = 'HTTP/1.';
const STATUS = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const LENGTH = /^\d{1,15}$/;
const CHUNK_SIZE = /^([0-9a-f]{1,8})(?:[ \t;].*)?\r\n$/i;
const KEPT_FOR = /\btimeout=(\d{1,6})/i;
// A line feed without its carriage return, the reverse, or NUL: parts of no line (RFC 9112 2.2).
// oxlint-disable-next-line no-control-regex
const BROKEN_LINE = /\0|\r(?!\n)|(?<!\r)\n/;
const NOTHING = Buffer.alloc(0);

interface Head {
  readonly status: number;
  readonly retryAfter: string | null;
  /** The header `webhook-delivery`. */
  readonly directive: string | null;
  /** How long the receiver keeps the idle connection, milliseconds; null when it does not say. */
  readonly keptForMs: number | null;
}

/** `length`: of the body, and of the present chunk; infinite for a body that ends with its connection. */
interface Framing {
  readonly length: number;
  readonly isChunked: boolean;
  readonly mayKeep: boolean;
}

/** malformed: this is not an answer of HTTP/1.1. A fault after the head only ends the answer: its status counts. */
type Progress = 'head' | 'body' | 'ended' | 'malformed';

/**
 * Reads one answer of HTTP/1.1 (RFC 9112) to a POST, from bytes as they arrive. Of its headers and its body it keeps
 * only what a webhook needs, and no more bytes than its limits allow. It is strict: lengths that contradict each other
 * and lines that other readers could split elsewhere are malformed. The bytes that it is given may change afterwards.
 * Pure.
 */
export class AnswerReader {
  #progress: Progress = 'head';
  #unread: Buffer = NOTHING;
  #headBytes = 0;
  #head: Head | null = null;
  #mayKeep = false;
  /** Bytes until the end of the body or of the present chunk. */
  #left = 0;
  #chunked: 'size' | 'data' | 'trailer' | null = null;
  #line = '';
  #bodyBytes = 0;
  readonly #body: Buffer[] = [];

  get progress(): Progress {
    return this.#progress;
  }

  /** Whether anything has arrived. */
  get hasBegun(): boolean {
    return this.#headBytes > 0 || this.#unread.length > 0;
  }

  /** Null until its last line has arrived. */
  get head(): Head | null {
    return this.#head;
  }

  /** The beginning of the body. */
  get body(): Buffer {
    return this.#body.length === 0 ? NOTHING : Buffer.concat(this.#body).subarray(0, BODY_BYTES);
  }

  /** Whether the connection can have another request: this answer ended, and nothing came after it. */
  get mayKeep(): boolean {
    return this.#mayKeep && this.#progress === 'ended';
  }

  push(chunk: Buffer): Progress {
    if (this.#progress === 'head') this.#progress = this.#pushHead(chunk);
    else if (this.#progress === 'body') this.#progress = this.#pushBody(chunk);
    else this.#mayKeep = false;
    return this.#progress;
  }

  /** The receiver ended the connection. */
  close(): Progress {
    this.#mayKeep = false;
    this.#progress = this.#progress === 'head' ? 'malformed' : 'ended';
    return this.#progress;
  }

  #pushHead(chunk: Buffer): Progress {
    const from = Math.max(0, this.#unread.length - 3);
    let bytes = this.#unread.length === 0 ? chunk : Buffer.concat([this.#unread, chunk]);
    for (let at = from; ; at = 0) {
      const end = bytes.indexOf('\r\n\r\n', at, 'latin1');
      if (end < 0) {
        this.#unread = Buffer.from(bytes);
        return this.#mayBegin(bytes) ? 'head' : 'malformed';
      }
      this.#headBytes += end + 4;
      if (this.#headBytes > HEAD_BYTES) return 'malformed';
      const read = readHead(bytes.toString('latin1', 0, end));
      if (read === null) return 'malformed';
      bytes = bytes.subarray(end + 4);
      // 1xx: the answer follows (RFC 9110 15.2). No other protocol was asked for.
      if (read.head.status === 101) return 'malformed';
      if (read.head.status >= 200) return this.#begin(read, bytes);
    }
  }

  #mayBegin(bytes: Buffer): boolean {
    return this.#headBytes + bytes.length <= HEAD_BYTES && BEGIN.startsWith(bytes.toString('latin1', 0, BEGIN.length));
  }

  #begin({ head, framing }: { head: Head; framing: Framing }, bytes: Buffer): Progress {
    this.#unread = NOTHING;
    this.#head = head;
    this.#mayKeep = framing.mayKeep;
    this.#left = framing.length;
    if (framing.isChunked) this.#chunked = 'size';
    else if (framing.length === 0) return this.#end(bytes);
    return this.#pushBody(bytes);
  }

  #pushBody(bytes: Buffer): Progress {
    const progress = this.#chunked === null ? this.#pushPlain(bytes) : this.#pushChunks(bytes);
    return progress === 'body' && this.#bodyBytes > BODY_BYTES ? this.#cut() : progress;
  }

  #pushPlain(bytes: Buffer): Progress {
    const part = bytes.subarray(0, Math.min(bytes.length, this.#left));
    this.#keep(part);
    return this.#left === 0 ? this.#end(bytes.subarray(part.length)) : 'body';
  }

  #pushChunks(bytes: Buffer): Progress {
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) {
        const part = bytes.subarray(at, Math.min(bytes.length, at + this.#left));
        this.#keep(part);
        at += part.length;
        continue;
      }
      const feed = bytes.indexOf(0x0a, at);
      const next = feed < 0 ? bytes.length : feed + 1;
      this.#line += bytes.toString('latin1', at, Math.min(next, at + LINE_BYTES + 1));
      at = next;
      if (this.#line.length > LINE_BYTES) return this.#cut();
      if (feed < 0) return 'body';
      const line = this.#line;
      this.#line = '';
      const progress = this.#pushLine(line);
      if (progress === 'ended') return this.#end(bytes.subarray(at));
      if (progress === 'malformed') return this.#cut();
    }
    return 'body';
  }

  /** A line between chunks. */
  #pushLine(line: string): Progress {
    if (this.#chunked === 'data') {
      this.#chunked = 'size';
      return line === '\r\n' ? 'body' : 'malformed';
    }
    if (this.#chunked === 'trailer') {
      this.#headBytes += line.length;
      if (line === '\r\n') return 'ended';
      return line.endsWith('\r\n') && this.#headBytes <= HEAD_BYTES ? 'body' : 'malformed';
    }
    const size = CHUNK_SIZE.exec(line)?.[1];
    if (size === undefined) return 'malformed';
    this.#left = Number.parseInt(size, 16);
    this.#chunked = this.#left === 0 ? 'trailer' : 'data';
    return 'body';
  }

  #keep(part: Buffer): void {
    if (part.length === 0) return;
    if (this.#bodyBytes < BODY_BYTES) this.#body.push(Buffer.from(part));
    this.#bodyBytes += part.length;
    this.#left -= part.length;
  }

  #end(rest: Buffer): Progress {
    // More than one answer to one request: nothing that follows can be trusted.
    if (rest.length > 0) this.#mayKeep = false;
    return 'ended';
  }

  #cut(): Progress {
    this.#mayKeep = false;
    return 'ended';
  }
}

interface ReadHead {
  readonly head: Head;
  readonly framing: Framing;
}

/** A receiver's answers have equal heads, but for the second in which they were sent. */
let last: { readonly text: string; readonly read: ReadHead | null } = { text: '', read: null };

/** Null for a head that is malformed. */
function readHead(text: string): ReadHead | null {
  if (text !== last.text) last = { text, read: parseHead(text) };
  return last.read;
}

function parseHead(text: string): ReadHead | null {
  if (BROKEN_LINE.test(text)) return null;
  const lines = text.split('\r\n');
  const [, minor, code] = STATUS.exec(lines[0] ?? '') ?? [];
  if (minor === undefined || code === undefined) return null;
  const found = new Map<string, string>();
  for (let at = 1; at < lines.length; at += 1) {
    const line = lines[at] ?? '';
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (!NAME.test(name)) return null;
    const key = name.toLowerCase();
    const value = line.slice(colon + 1).trim();
    const former = found.get(key);
    // The second length of a body, or the second wait: which one counts would be a guess.
    if (former !== undefined && key === 'content-length') return null;
    if (former === undefined || key !== 'retry-after')
      found.set(key, former === undefined ? value : `${former}, ${value}`);
  }
  const framing = framingOf(found, { status: Number(code), isLatest: minor === '1' });
  if (framing === null) return null;
  const keptFor = KEPT_FOR.exec(found.get('keep-alive') ?? '')?.[1];
  const head = {
    status: Number(code),
    retryAfter: found.get('retry-after') ?? null,
    directive: found.get('webhook-delivery') ?? null,
    keptForMs: keptFor === undefined ? null : Number(keptFor) * 1_000,
  };
  return { head, framing };
}

/** How long the body is (RFC 9112 6.3); null when the headers contradict each other. */
function framingOf(
  headers: ReadonlyMap<string, string>,
  { status, isLatest }: { readonly status: number; readonly isLatest: boolean },
): Framing | null {
  const [length, transfer] = [headers.get('content-length'), headers.get('transfer-encoding')];
  if (length !== undefined && (transfer !== undefined || !LENGTH.test(length))) return null;
  const tokens = (headers.get('connection') ?? '').toLowerCase().split(',');
  const mayKeep = isLatest && !tokens.some((token) => token.trim() === 'close');
  // These have no body, whatever their headers say.
  if (status < 200 || status === 204 || status === 304) {
    const isPlain = transfer === undefined && Number(length ?? 0) === 0;
    return { length: 0, isChunked: false, mayKeep: mayKeep && isPlain };
  }
  if (transfer?.toLowerCase() === 'chunked') return { length: 0, isChunked: true, mayKeep };
  if (length !== undefined) return { length: Number(length), isChunked: false, mayKeep };
  return { length: Number.POSITIVE_INFINITY, isChunked: false, mayKeep: false };
}
