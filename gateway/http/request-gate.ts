import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

export interface GateLimits {
  /** Requests that one connection may send; the answer to the last one contains `Connection: close`. */
  readonly requestsPerSocket: number;
  /** How long an ended connection may still read its answer. */
  readonly lingerMs: number;
}

/** The end of a header section (RFC 9112 2.1), and of a chunked body without trailers (RFC 9112 7.1). */
const SECTION_END = Buffer.from('\r\n\r\n');
const NOTHING = Buffer.alloc(0);
/** Smallest piece of a chunked body: each piece costs a call of the parser. */
const SMALLEST_PIECE = 1_024;
/**
 * Further input of an ended connection is read and dropped up to this size, so that the peer gets its answer and no
 * reset.
 */
const MOST_DROPPED_BYTES = 256 * 1_024;

/** The gate of a connection, for the listeners that all gates share: closures would cost memory for each handshake. */
const GATE = Symbol('gate');
type Gated = Socket & { readonly [GATE]?: RequestGate };

function onSocket(run: (gate: RequestGate) => void) {
  return function listener(this: Socket): void {
    const gate = (this as Gated)[GATE];
    if (gate !== undefined) run(gate);
  };
}

/**
 * Stands between a connection and Node's HTTP server, and passes the bytes of one request at a time to the server (RFC
 * 9112 9.3.2). Node itself parses everything in one read, and starts all its requests at once: 64 KB of pipelined
 * requests are 2,600 requests in memory. While a request is running, nothing more is read from the connection, so the
 * kernel slows the peer down.
 *
 * A pipelined upgrade waits for the answers before it. `release` returns the connection to the code that takes over
 * from HTTP.
 */
export class RequestGate extends Duplex {
  readonly #socket: Socket;
  readonly #limits: GateLimits;
  /** Read from the connection and not yet passed to the server. */
  #held: Buffer = NOTHING;
  /** Whether the server accepts more bytes. */
  #isWanted = false;
  #current: IncomingMessage | null = null;
  /**
   * Bytes of the current request's body that the server has not received yet; null where only the parser knows
   * (chunked).
   */
  #bodyLeft: number | null = 0;
  /** Requests that the parser found after a chunked body. */
  readonly #waiting: (() => void)[] = [];
  #requests = 0;
  #isEnding = false;
  /** The peer sends nothing after `#held`. */
  #isPeerAtEnd = false;
  #isHandedOver = false;

  /** `first` was read before. */
  constructor(socket: Socket, limits: GateLimits, first: Buffer) {
    // With a high-water mark of one byte the stream contains at most one piece that the server has not taken.
    super({ readableHighWaterMark: 1, allowHalfOpen: true });
    this.#socket = socket;
    this.#limits = limits;
    this.#held = first;
    this.#isPeerAtEnd = socket.readableEnded;
    Object.assign(socket, { [GATE]: this });
    socket.on('readable', RequestGate.#onReadable).on('end', RequestGate.#onEnd).on('timeout', RequestGate.#onTimeout);
    socket.on('error', RequestGate.#onGone).on('close', RequestGate.#onGone);
  }

  static readonly #onReadable = onSocket((gate) => gate.#pass());
  static readonly #onEnd = onSocket((gate) => gate.#peerEnded());
  static readonly #onTimeout = onSocket((gate) => gate.emit('timeout'));
  static readonly #onGone = onSocket((gate) => gate.destroy());

  /** Whether the current request is the first of its connection. */
  get isFirst(): boolean {
    return this.#requests === 1;
  }

  /** Whether this connection has sent as many requests as it may. */
  get isLast(): boolean {
    return this.#requests >= this.#limits.requestsPerSocket;
  }

  /** Runs a request when the earlier ones have been answered. */
  begin(request: IncomingMessage, response: ServerResponse, run: () => void): void {
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
    // For one that was found after a chunked body, some bytes may have been passed already.
    const isExact = encoding === undefined && this.#current === null;
    this.#inTurn(() => {
      if (this.#isEnding) return;
      this.#requests += 1;
      this.#current = request;
      this.#bodyLeft = isExact ? Number(length ?? 0) : null;
      response.once('close', () => this.#finished());
      run();
    });
  }

  /** Runs an upgrade when the earlier requests have been answered. `head` came after it. */
  beginUpgrade(head: Buffer, run: (socket: Socket, head: Buffer) => void): void {
    this.#inTurn(() => {
      if (this.#isEnding || this.destroyed) return;
      this.#requests += 1;
      // The request is not kept: the engine may consider the gate alive long after the upgrade.
      run(this.#socket, this.#release(head));
    });
  }

  /**
   * Passes the connection, with the data after the request, to the code that answers the current request without Node's
   * server. For Node this gate is then gone, as if its peer had left.
   */
  handOver(): { readonly socket: Socket; readonly rest: Buffer } {
    const rest = this.#release(NOTHING);
    this.#isHandedOver = true;
    this.destroy();
    return { socket: this.#socket, rest };
  }

  /** Ends the connection once its answer was written, and reads a little more so that the peer can take the answer. */
  destroySoon(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#held = NOTHING;
    this.#waiting.length = 0;
    const timer = setTimeout(() => this.destroy(), this.#limits.lingerMs);
    this.#socket.once('close', () => clearTimeout(timer));
    this.end(() => this.#dropRest());
  }

  setTimeout(milliseconds: number): this {
    this.#socket.setTimeout(milliseconds);
    return this;
  }

  /** The connection's own values, for Node, Express and the telemetry, which read them from a request's socket. */
  get encrypted(): boolean {
    return 'encrypted' in this.#socket;
  }
  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress;
  }
  get remotePort(): number | undefined {
    return this.#socket.remotePort;
  }
  get localAddress(): string | undefined {
    return this.#socket.localAddress;
  }
  get localPort(): number | undefined {
    return this.#socket.localPort;
  }
  get connection(): Socket {
    return this.#socket;
  }

  override _read(): void {
    this.#isWanted = true;
    // Not at once: within `_read` a piece would be buffered, and not parsed before the next one is chosen.
    process.nextTick((gate: RequestGate) => gate.#pass(), this);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error | null) => void): void {
    this.#socket.write(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: () => void): void {
    this.#socket.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#held = NOTHING;
    this.#waiting.length = 0;
    if (!this.#isHandedOver) this.#socket.destroy();
    done(error);
  }

  /** Passes pieces to the server until a request is complete or nothing is left. */
  #pass(): void {
    while (this.#isWanted && !this.#isEnding && !this.destroyed && !this.#isAnswering()) {
      if (this.#held.length === 0) this.#held = (this.#socket.read() as Buffer | null) ?? NOTHING;
      if (this.#held.length === 0) {
        if (this.#isPeerAtEnd) this.push(null);
        return;
      }
      const length = this.#pieceLength();
      const piece = this.#held.subarray(0, length);
      this.#held = this.#held.subarray(length);
      if (this.#bodyLeft !== null) this.#bodyLeft = Math.max(0, this.#bodyLeft - length);
      this.#isWanted = this.push(piece);
    }
  }

  /** A connection that is ending reports nothing: Node would end it again, and raise an error. */
  #peerEnded(): void {
    if (this.#isEnding) return;
    this.#isPeerAtEnd = true;
    if (this.#held.length === 0) this.push(null);
  }

  #isAnswering(): boolean {
    return this.#current?.complete === true || this.#waiting.length > 0;
  }

  #pieceLength(): number {
    const held = this.#held;
    const isBody = this.#current !== null;
    if (isBody && this.#bodyLeft !== null && this.#bodyLeft > 0) return Math.min(held.length, this.#bodyLeft);
    const end = held.indexOf(SECTION_END, isBody ? SMALLEST_PIECE : 0);
    return end < 0 ? held.length : end + SECTION_END.length;
  }

  #inTurn(run: () => void): void {
    if (this.#current === null) run();
    else this.#waiting.push(run);
  }

  #finished(): void {
    this.#current = null;
    this.#bodyLeft = 0;
    const next = this.#waiting.shift();
    next?.();
    this.#pass();
  }

  /** Everything after `head`; the connection no longer belongs to this gate. */
  #release(head: Buffer): Buffer {
    const socket = this.#socket;
    socket.off('readable', RequestGate.#onReadable).off('end', RequestGate.#onEnd);
    socket.off('timeout', RequestGate.#onTimeout).off('error', RequestGate.#onGone).off('close', RequestGate.#onGone);
    socket.setTimeout(0);
    Object.assign(socket, { [GATE]: undefined });
    this.#isEnding = true;
    const buffered = (this.read() as Buffer | null) ?? NOTHING;
    const rest = [head, buffered, this.#held].filter(({ length }) => length > 0);
    this.#held = NOTHING;
    return rest.length === 0 ? NOTHING : Buffer.concat(rest);
  }

  #dropRest(): void {
    const socket = this.#socket;
    let dropped = 0;
    socket.off('readable', RequestGate.#onReadable).on('data', (chunk: Buffer) => {
      dropped += chunk.length;
      if (dropped > MOST_DROPPED_BYTES) this.destroy();
    });
    socket.once('end', () => this.destroy());
    socket.resume();
  }
}
