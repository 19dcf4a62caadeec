import type { OnReadOpts, Socket } from 'node:net';
import { Scratch } from '../fanout/scratch.ts';
import type { CutSignal } from '../sender/cut.ts';
import { OPEN, SocketWriter } from '../session/socket-writer.ts';
import { AnswerReader } from './answer-reader.ts';
import { Deadline } from './deadline.ts';
import type { Outcome } from './judge-answer.ts';

/** Limit of the wait for the body. */
const BODY_WAIT_MS = 1_000;
/** Part of it that is kept for people. */
const KEPT_CHARACTERS = 200;
/** A receiver that closes idle connections may do so while a request is under way: this one is not used any more then. */
const MARGIN_MS = 1_000;
/** The errors of a connection that the peer has closed. */
const STALE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE']);
/** All connections read into it: a reader of answers copies what it keeps. A buffer for each read would cost more than the read. */
const RECEIVED = Buffer.allocUnsafeSlow(65_536);

export interface Exchanged {
  readonly outcome: Outcome;
  /**
   * The receiver closed the connection, which existed before, while the request was written: that says nothing about
   * the receiver.
   */
  readonly isStale: boolean;
}

/** What the owner of connections is notified of. */
export interface ConnectionOwner {
  /** It can have another request. */
  readonly onFree: (connection: KeptConnection) => void;
  readonly onGone: (connection: KeptConnection) => void;
}

/** The head of a request with its empty line, and the body. */
export interface Request {
  readonly head: string;
  readonly body: Buffer;
}

/** Requests are written from buffers that are used again as soon as the kernel has their bytes. */
const scratch = new Scratch();

interface Exchange {
  readonly reader: AnswerReader;
  readonly signal: CutSignal;
  readonly wasKept: boolean;
  readonly resolve: (exchanged: Exchanged) => void;
}

/** A connection to a receiver, which carries one request after the other. */
export class KeptConnection implements Disposable {
  readonly #socket: Socket;
  readonly #writer: SocketWriter;
  readonly #owner: ConnectionOwner;
  readonly #deadline = new Deadline(() => this.#passed());
  readonly #abort = () => this.#fail('ABORTED');
  #exchange: Exchange | null = null;
  #exchanges = 0;
  /** The first request, until the connection is established and its certificate verified. */
  #first: Request | null = null;
  #isOpen = false;
  /** When the receiver may close it (monotonic). */
  #keptUntil = Number.POSITIVE_INFINITY;

  /** `opened`: the event of the socket after which it may be written to. */
  constructor(connect: (onread: OnReadOpts) => Socket, opened: 'connect' | 'secureConnect', owner: ConnectionOwner) {
    const socket = connect({
      buffer: RECEIVED,
      callback: (bytes) => {
        this.#read(RECEIVED.subarray(0, bytes));
        return true;
      },
    });
    this.#socket = socket;
    this.#writer = new SocketWriter(socket, { readyState: OPEN });
    this.#owner = owner;
    socket.setKeepAlive(true, 1_000);
    socket
      .once(opened, () => this.#opened())
      .on('end', () => this.#closed())
      .on('error', (error: NodeJS.ErrnoException) => this.#fail(error.code ?? 'UNKNOWN'))
      .once('close', () => {
        this.#closed();
        owner.onGone(this);
      });
  }

  /** Whether the receiver still has it, as far as is known. */
  isKeptAt(now: number): boolean {
    return !this.#socket.destroyed && now < this.#keptUntil;
  }

  /**
   * Sends a request: its head, in ASCII, and its body. One at a time. `timeoutMs` limits the wait for the head of the
   * answer. Never rejects; an aborted request is a failure with the code ABORTED.
   */
  post(request: Request, { signal, timeoutMs }: { signal: CutSignal; timeoutMs: number }): Promise<Exchanged> {
    return new Promise((resolve) => {
      this.#exchange = { reader: new AnswerReader(), signal, wasKept: this.#exchanges > 0, resolve };
      this.#exchanges += 1;
      if (signal.aborted) return this.#abort();
      signal.addEventListener('abort', this.#abort);
      this.#deadline.set(timeoutMs);
      if (this.#isOpen) this.#write(request);
      else this.#first = request;
    });
  }

  [Symbol.dispose](): void {
    this.#fail('ECONNRESET');
  }

  #opened(): void {
    this.#isOpen = true;
    if (this.#first !== null) this.#write(this.#first);
    this.#first = null;
  }

  /** One write of one buffer: two would be two packets, or more work for each. */
  #write({ head, body }: Request): void {
    const { chunk, release } = scratch.take(head.length + body.length);
    chunk.write(head, 0, 'latin1');
    body.copy(chunk, head.length);
    this.#writer.write(chunk, release);
  }

  #read(bytes: Buffer): void {
    // Nothing was asked: what a receiver says unasked must not be the answer to the next request.
    if (this.#exchange === null) return void this.#socket.destroy();
    const { reader } = this.#exchange;
    const hadHead = reader.head !== null;
    const progress = reader.push(bytes);
    if (progress === 'malformed') this.#fail('INVALID_ANSWER');
    else if (progress === 'ended') this.#answer(reader);
    else if (progress === 'body' && !hadHead) this.#deadline.set(BODY_WAIT_MS);
  }

  #closed(): void {
    const reader = this.#exchange?.reader;
    if (reader === undefined || !reader.hasBegun) this.#fail('ECONNRESET');
    else if (reader.close() === 'malformed') this.#fail('INVALID_ANSWER');
    else this.#answer(reader);
  }

  #passed(): void {
    const reader = this.#exchange?.reader;
    if (reader === undefined) return;
    if (reader.head === null) this.#fail('TIMEOUT');
    // The status decides: a body that does not end changes nothing.
    else this.#answer(reader);
  }

  #answer(reader: AnswerReader): void {
    const { head } = reader;
    if (head === null) return;
    const { status, retryAfter, directive, keptForMs } = head;
    // An answer that came before the whole request was written ends the connection.
    const isKept = reader.mayKeep && this.#socket.writableLength === 0;
    if (isKept && keptForMs !== null) this.#keptUntil = performance.now() + Math.max(0, keptForMs - MARGIN_MS);
    if (!isKept) this.#socket.destroy();
    this.#end({ kind: 'answer', status, retryAfter, directive, text: readable(reader.body) });
    if (isKept) this.#owner.onFree(this);
  }

  #fail(code: string): void {
    if (!this.#socket.destroyed) this.#socket.destroy();
    this.#end({ kind: 'failure', code });
  }

  #end(outcome: Outcome): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    if (this.#socket.destroyed) this.#deadline[Symbol.dispose]();
    else this.#deadline.clear();
    if (exchange === null) return;
    exchange.signal.removeEventListener('abort', this.#abort);
    const isStale =
      outcome.kind === 'failure' && exchange.wasKept && !exchange.reader.hasBegun && STALE.has(outcome.code);
    exchange.resolve({ outcome, isStale });
  }
}

/** Text of an external system: reduced to one line without control characters. */
function readable(bytes: Buffer): string {
  if (bytes.length === 0) return '';
  return bytes
    .toString('utf8')
    .replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029\uFFFD]+/gu, ' ')
    .trim()
    .slice(0, KEPT_CHARACTERS);
}
