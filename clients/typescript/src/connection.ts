import type { Frame } from './items.ts';
import { readMessage } from './items.ts';
import type { Socket, Transport, WhyNotOpen } from './transport.ts';
import { isFrame, Waiting } from './waiting.ts';

/** Most messages that wait for the consumer (L7). */
const MOST_WAITING = 1_000;
/** A gateway sends a watermark every 10 s (L8). */
const SILENCE_MS = 60_000;
/** Limit for the answer to a handshake. */
const OPEN_MS = 15_000;
const LOOK_MS = 5_000;

export interface Ended extends WhyNotOpen {
  readonly code: number;
  readonly reason: string;
}

/**
 * One WebSocket and its waiting messages. When too many wait, the socket is paused. Where the platform cannot do that,
 * the socket is closed, and the caller resumes from the last message. Memory is bounded either way.
 */
export class Connection {
  readonly #socket: Socket;
  readonly #onFrame: (frame: Frame, connection: Connection) => void;
  readonly #waiting = new Waiting();
  #wake: (() => void) | null = null;
  #ended: Ended | null = null;
  #isPaused = false;
  /** Whether nothing has arrived since the last check. */
  #isQuiet = false;
  #quietMs = 0;
  readonly #looking: ReturnType<typeof setInterval>;
  // Times are of the monotonic clock, because the system clock may be set at any moment.
  #openedAt: number | null = null;
  #livedMs = 0;

  /** `onFrame` is called when a control frame arrives, before the earlier messages are taken. */
  constructor(
    transport: Transport,
    { url, token }: { url: string; token: string },
    onFrame: (frame: Frame, connection: Connection) => void,
  ) {
    this.#onFrame = onFrame;
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
    this.#socket = transport.open(url, token, {
      open: () => (this.#openedAt = performance.now()),
      message: (text) => this.#receive(text),
      closed: (code, reason, why) => this.#end(code, reason, why),
    });
  }

  get hasOpened(): boolean {
    return this.#openedAt !== null;
  }

  /** How long it was open, in milliseconds; 0 before it has ended. */
  get livedMs(): number {
    return this.#livedMs;
  }

  /** Set once it has ended and all its messages are taken. */
  get ended(): Ended | null {
    return this.#waiting.length > 0 ? null : this.#ended;
  }

  /** The next message; null when none waits. */
  take(): string | null {
    const text = this.#waiting.take();
    if (this.#isPaused && this.#waiting.length < MOST_WAITING / 2) {
      this.#isPaused = false;
      this.#socket.resume?.();
    }
    return text;
  }

  /** The newest waiting message; null when none waits. */
  get newest(): string | null {
    return this.#waiting.newest;
  }

  /** Resolves when a message waits or the connection has ended. One caller at a time. */
  arrival(): Promise<void> {
    if (this.#waiting.length > 0 || this.#ended !== null) return Promise.resolve();
    return new Promise((resolve) => (this.#wake = resolve));
  }

  send(frame: object): boolean {
    if (this.#ended !== null || this.#openedAt === null) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  /** Ends it now: no further message is received. Waiting ones can still be taken. */
  close(): void {
    this.#end(1006, '');
  }

  #interrupt(): void {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #receive(text: string): void {
    if (this.#ended !== null) return;
    this.#isQuiet = false;
    this.#waiting.add(text);
    if (this.#wake !== null) this.#interrupt();
    if (isFrame(text)) {
      const message = readMessage(text);
      if (message.kind === 'frame') this.#onFrame(message.frame, this);
    }
    if (this.#waiting.length < MOST_WAITING || this.#isPaused) return;
    if (this.#socket.pause === undefined) {
      // Only events count: a snapshot that is cut off is sent again from its start, and its caller keeps it in memory
      // anyway.
      if (this.#waiting.events >= MOST_WAITING) this.#end(1006, '');
      return;
    }
    this.#isPaused = true;
    this.#socket.pause();
  }

  #look(): void {
    this.#quietMs = this.#isQuiet && !this.#isPaused ? this.#quietMs + LOOK_MS : 0;
    this.#isQuiet = true;
    if (this.#quietMs >= (this.#openedAt === null ? OPEN_MS : SILENCE_MS)) this.#end(1006, '');
  }

  #end(code: number, reason: string, why: WhyNotOpen = {}): void {
    if (this.#ended !== null) return;
    this.#ended = { code, reason, ...why };
    if (this.#openedAt !== null) this.#livedMs = performance.now() - this.#openedAt;
    clearInterval(this.#looking);
    this.#interrupt();
    this.#socket.close();
  }
}
