import type { Socket } from 'node:net';
import type { Sink } from '../fanout/connection.ts';

/** The `readyState` of a connection that accepts writes, of a WebSocket and of a stream of Server-Sent Events. */
export const OPEN = 1;

export interface WriterOwner {
  readonly readyState: number;
  /** Called with each write that was not made. */
  dropped?(): void;
}

/**
 * The one writer of a connection. Event frames go directly to the socket, below `ws`, which then sends only control
 * frames. Both write whole frames at once, so they cannot mix. Nothing is written once the WebSocket is not OPEN,
 * because the peer discards everything after a Close. A stream of Server-Sent Events has no WebSocket: it reports its
 * state itself.
 */
export class SocketWriter implements Sink {
  readonly #socket: Socket;
  readonly #owner: WriterOwner;
  readonly #isEncrypted: boolean;

  constructor(socket: Socket, owner: WriterOwner) {
    this.#socket = socket;
    this.#isEncrypted = 'encrypted' in socket;
    this.#owner = owner;
  }

  /** Bytes in memory of this process that wait for the kernel: under TLS the plain bytes and their encrypted copy. */
  get queued(): number {
    const { writableLength } = this.#socket;
    return this.#isEncrypted ? 2 * writableLength : writableLength;
  }

  write(chunk: Buffer, release: (() => void) | null): void {
    const socket = this.#socket;
    if (this.#owner.readyState !== OPEN || !socket.writable) {
      this.#owner.dropped?.();
      release?.();
    } else if (release === null) socket.write(chunk);
    // Under TLS, and when other bytes are queued, the kernel takes nothing before this returns.
    else if (this.#isEncrypted || socket.writableLength > 0) socket.write(chunk, release);
    else {
      socket.write(chunk);
      // A callback adds a third to the user time of a write: only a write that the kernel took in part has one.
      if (socket.writableLength === 0) release();
      else socket.write(NOTHING, release);
    }
  }

  whenDrained(callback: () => void): void {
    if (this.#socket.writableNeedDrain) this.#socket.once('drain', callback);
    else setImmediate(callback);
  }
}

const NOTHING = Buffer.alloc(0);
