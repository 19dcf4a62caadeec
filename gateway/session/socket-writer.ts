import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import type { Sink } from '../fanout/connection.ts';

/**
 * The one writer of a connection. Event frames go straight to the socket below `ws`, which then sends control frames
 * alone: both write whole frames at once, so they cannot mix. Nothing is written once the
 * WebSocket is not OPEN, since the peer discards what follows a Close.
 */
export class SocketWriter implements Sink {
  readonly #socket: Socket;
  readonly #webSocket: WebSocket;
  readonly #isEncrypted: boolean;

  constructor(socket: Socket, webSocket: WebSocket) {
    this.#socket = socket;
    this.#isEncrypted = 'encrypted' in socket;
    this.#webSocket = webSocket;
  }

  /** Bytes in memory of this process that wait for the kernel: under TLS the plain bytes and their encrypted copy. */
  get queued(): number {
    const { writableLength } = this.#socket;
    return this.#isEncrypted ? 2 * writableLength : writableLength;
  }

  write(chunk: Buffer, release: (() => void) | null): void {
    const socket = this.#socket;
    if (this.#webSocket.readyState !== this.#webSocket.OPEN || !socket.writable) release?.();
    else if (release === null) socket.write(chunk);
    // Under TLS, and when other bytes are queued, the kernel takes nothing before this returns.
    else if (this.#isEncrypted || socket.writableLength > 0) socket.write(chunk, release);
    else {
      socket.write(chunk);
      // A callback adds a third to what a write costs in user time: only a write that the kernel took in part has one.
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
