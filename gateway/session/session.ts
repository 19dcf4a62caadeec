import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { CLOSE, closeReason, type CloseName, type CloseReason } from '../../protocol/close-code.ts';
import { encodeCursor } from '../../protocol/cursor.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { Fanout } from '../fanout/fanout.ts';
import type { Format } from '../fanout/round.ts';
import type { Subscriber } from '../fanout/subscriber.ts';
import { fullAllowance, takeFrame, type FrameAllowance } from './client-frames.ts';
import { judgeLiveness } from './liveness.ts';
import { SocketWriter } from './socket-writer.ts';

export interface SessionOptions {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  readonly token: VerifiedToken;
  readonly format: Format;
  readonly fanout: Fanout;
  readonly now: () => number;
  readonly onClose: (session: Session, code: number) => void;
}

/** One connection of the plain contract: events out; what the client sends is counted and dropped. */
export class Session {
  readonly token: VerifiedToken;
  readonly #options: SessionOptions;
  readonly #writer: SocketWriter;
  readonly #subscriber: Subscriber;
  readonly #allowance: FrameAllowance;
  #lastSignOfLife: number;
  #lastPing: number;
  #taken = 0;

  constructor(options: SessionOptions) {
    const { webSocket, socket, fanout, token, format } = options;
    const now = options.now();
    this.token = token;
    this.#options = options;
    this.#allowance = fullAllowance(now);
    this.#lastSignOfLife = now;
    this.#lastPing = now;
    this.#writer = new SocketWriter(socket, webSocket);
    this.#subscriber = fanout.subscribe({
      grant: token.grant,
      format,
      sink: this.#writer,
      lost: (reason, last) => this.close('cursorTooOld', reason, encodeCursor(last)),
    });
    webSocket.on('message', () => this.#received(true));
    webSocket.on('ping', () => this.#received(true));
    webSocket.on('pong', () => this.#received(false));
    // ws closes by itself with the code that RFC 6455 asks for; the error's text is the peer's doing.
    webSocket.on('error', () => this.#leave());
    webSocket.on('close', (code) => {
      this.#leave();
      options.onClose(this, code);
    });
  }

  /** Pings, or ends the session, when it is time to. */
  sweep(now: number): void {
    const { taken } = this.#writer;
    if (taken > this.#taken) this.#lastSignOfLife = now;
    this.#taken = taken;
    const verdict = judgeLiveness(
      { lastSignOfLife: this.#lastSignOfLife, lastPing: this.#lastPing, sessionEndsAt: this.token.sessionEndsAt },
      now,
    );
    if (verdict === 'token_expired') this.close('tokenExpired', 'token_expired');
    else if (verdict === 'no_traffic') this.close('noTraffic', 'no_traffic');
    else if (verdict === 'ping' && this.#isOpen()) {
      this.#lastPing = now;
      this.#options.webSocket.ping();
      // The ping's own bytes are no sign of life.
      this.#taken = Math.max(this.#taken, this.#writer.taken);
    }
  }

  /** Ends the session; a peer that does not answer the Close is cut off by ws after its close timeout. */
  close(name: CloseName, reason: CloseReason, cursor?: string): void {
    this.#leave();
    if (!this.#isOpen()) return;
    this.#options.webSocket.close(CLOSE[name], closeReason(reason, cursor));
  }

  terminate(): void {
    this.#options.webSocket.terminate();
  }

  #received(counts: boolean): void {
    const now = this.#options.now();
    this.#lastSignOfLife = now;
    if (counts && !takeFrame(this.#allowance, now)) this.close('slowConsumer', 'too_many_frames');
  }

  #leave(): void {
    this.#options.fanout.unsubscribe(this.#subscriber);
  }

  #isOpen(): boolean {
    return this.#options.webSocket.readyState === this.#options.webSocket.OPEN;
  }
}
