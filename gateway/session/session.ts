import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { CLOSE, closeReason, FIRST_FINAL_CODE, type CloseName, type CloseReason } from '../../protocol/close-code.ts';
import { encodeCursor } from '../../protocol/cursor.ts';
import type { Position } from '../../protocol/position.ts';
import type { Grant, VerifiedToken } from '../auth/grant.ts';
import type { Fanout } from '../fanout/fanout.ts';
import { isSlow, type SlowPolicy, type Subscriber } from '../fanout/subscriber.ts';
import type { LogWindow } from '../stream/log-window.ts';
import { fullAllowance, takeFrame, type FrameAllowance } from './client-frames.ts';
import { Dialogue, type DialogueOptions } from './dialogue.ts';
import type { JudgedStart } from './judge-start.ts';
import { judgeLiveness } from './liveness.ts';
import { recover } from './recover.ts';
import type { UpgradePlan } from './plan-upgrade.ts';
import { SocketWriter } from './socket-writer.ts';

export interface SessionOptions {
  readonly webSocket: WebSocket;
  readonly socket: Socket;
  readonly token: VerifiedToken;
  readonly plan: Pick<UpgradePlan, 'contract' | 'format' | 'replay'>;
  /** Null begins at the head. */
  readonly start: JudgedStart | null;
  /** The client's, for administration. */
  readonly address: string;
  /** Counts the sessions of this replica. */
  readonly number: number;
  readonly fanout: Fanout;
  readonly window: LogWindow;
  readonly policy: SlowPolicy;
  readonly verifyToken: DialogueOptions['verifyToken'];
  readonly narrow: DialogueOptions['narrow'];
  /** Whether a token that was verified is good still. */
  readonly mayStay: (token: VerifiedToken) => boolean;
  /** Told of each loss that the connection is told of. */
  readonly onGap: (reason: string) => void;
  readonly now: () => number;
  readonly onClose: (session: Session, code: number) => void;
}

/** One connection: events out, by either contract. What is said beside events is the dialogue's. */
export class Session {
  readonly id = randomUUID();
  readonly number: number;
  readonly address: string;
  readonly contract: UpgradePlan['contract'];
  /** Unix milliseconds. */
  readonly since: number;
  readonly #options: SessionOptions;
  readonly #writer: SocketWriter;
  readonly #subscriber: Subscriber;
  readonly #allowance: FrameAllowance;
  /** Null in the plain contract, which says nothing but events. */
  readonly #dialogue: Dialogue | null;
  #token: VerifiedToken;
  #lastSignOfLife: number;
  #lastPing: number;
  #taken = 0;

  constructor(options: SessionOptions) {
    const { webSocket, socket, token, plan, start } = options;
    const now = options.now();
    this.number = options.number;
    this.address = options.address;
    this.contract = plan.contract;
    this.since = now;
    this.#token = token;
    this.#options = options;
    this.#allowance = fullAllowance(now);
    this.#lastSignOfLife = now;
    this.#lastPing = now;
    this.#writer = new SocketWriter(socket, webSocket);
    this.#dialogue = plan.contract === 'control' ? new Dialogue(this, this.#writer, options) : null;
    // The first words come before the first event.
    this.#dialogue?.greet(start?.from ?? options.fanout.position, now);
    if (start?.gap) this.#tellGap(start.gap);
    this.#subscriber = this.#subscribe(start);
    webSocket.on('message', (data, isBinary) => this.#received(isBinary ? null : (data as Buffer)));
    webSocket.on('ping', () => this.#countFrame());
    webSocket.on('pong', () => (this.#lastSignOfLife = options.now()));
    // ws closes by itself with the code that RFC 6455 asks for; the error's text is the peer's doing.
    webSocket.on('error', () => this.#leave());
    webSocket.on('close', (code) => {
      this.#leave();
      options.onClose(this, code);
    });
  }

  get token(): VerifiedToken {
    return this.#token;
  }

  /** Everything up to here was written to the connection, or is not for it. */
  get position(): Position | null {
    return this.#options.fanout.positionOf(this.#subscriber);
  }

  get entriesBehind(): number | null {
    return this.#options.fanout.entriesBehind(this.#subscriber);
  }

  get isBehind(): boolean {
    return this.#subscriber.behind !== null;
  }

  /** Another token of the same account from now on. */
  renew(token: VerifiedToken): void {
    this.#token = token;
    // It was verified a moment ago: what was revoked since has not found it here.
    if (!this.#options.mayStay(token)) this.close('revoked', 'revoked');
  }

  refilter(grant: Grant): void {
    this.#options.fanout.refilter(this.#subscriber, grant);
  }

  /** Says that this replica goes away, and when its client should come back. */
  announceDrain(retryAfterMs: number): void {
    this.#dialogue?.announceDrain(retryAfterMs);
  }

  /** Pings, speaks, or ends the session, when it is time to. */
  sweep(now: number): void {
    const { taken } = this.#writer;
    if (taken > this.#taken) this.#lastSignOfLife = now;
    this.#taken = taken;
    const verdict = judgeLiveness(
      { lastSignOfLife: this.#lastSignOfLife, lastPing: this.#lastPing, sessionEndsAt: this.#token.sessionEndsAt },
      now,
    );
    if (verdict === 'token_expired') this.close('tokenExpired', 'token_expired');
    else if (verdict === 'no_traffic') this.close('noTraffic', 'no_traffic');
    else if (this.#isTooSlow()) this.close('slowConsumer', 'slow_consumer');
    else if (verdict === 'ping' && this.isOpen) {
      this.#lastPing = now;
      this.#options.webSocket.ping();
    }
    if (this.isOpen) this.#dialogue?.sweep(now);
    // What was written just now is no sign of life.
    this.#taken = Math.max(this.#taken, this.#writer.taken);
  }

  /**
   * Ends the session, with the cursor from which its client resumes; a peer that does not answer the Close is cut off
   * by ws after its close timeout. False: it was ended before.
   */
  close(name: CloseName, reason: CloseReason, last: Position | null = this.position): boolean {
    this.#leave();
    if (!this.isOpen) return false;
    const code = CLOSE[name];
    const resumes = last !== null && code < FIRST_FINAL_CODE;
    this.#options.webSocket.close(code, closeReason(reason, resumes ? encodeCursor(last) : undefined));
    return true;
  }

  terminate(): void {
    this.#options.webSocket.terminate();
  }

  get isOpen(): boolean {
    return this.#options.webSocket.readyState === this.#options.webSocket.OPEN;
  }

  #subscribe(start: JudgedStart | null): Subscriber {
    const { fanout, token, plan, policy } = this.#options;
    return fanout.subscribe({
      grant: token.grant,
      format: plan.format,
      sink: this.#writer,
      policy,
      ...(start !== null && { from: start.from, until: start.until }),
      told: {
        lost: (reason, last) => this.#lost(reason, last),
        skipped: (last) => {
          // A plain client cannot be told in band: it is told by the close code, unless it asked to go on.
          if (!this.#maySkip()) return this.close('slowConsumer', 'slow_consumer', last);
          return this.#tellGap({ reason: 'skipped_to_live', requested: encodeCursor(last) });
        },
        poison: (entries) => this.#dialogue?.gap({ reason: 'poison', requested: null, missed: entries }),
        finished: () => this.close('replayDone', 'replay_done'),
      },
    });
  }

  #isTooSlow(): boolean {
    const { policy, behind } = this.#subscriber;
    return policy === 'Disconnect' && isSlow(behind, performance.now());
  }

  #maySkip(): boolean {
    return this.#dialogue !== null || this.#options.plan.replay.onGap === 'clamp';
  }

  #lost(reason: 'cursor_too_old' | 'epoch_lost', last: Position): void {
    if (this.#options.plan.replay.onGap === 'clamp') {
      void this.#goOn(reason, last);
      return;
    }
    this.#tellGap({ reason, requested: encodeCursor(last) });
    this.close('cursorTooOld', reason, last);
  }

  /** Goes on from the oldest entry that is kept, as was asked for. */
  async #goOn(reason: 'cursor_too_old' | 'epoch_lost', last: Position): Promise<void> {
    const { fanout, window } = this.#options;
    const from = await recover(window, { isWanted: () => this.isOpen && fanout.position !== null, fanout });
    if (from === null) return;
    this.#tellGap({ reason, requested: encodeCursor(last) });
    fanout.seek(this.#subscriber, from);
  }

  #tellGap(gap: { reason: Parameters<Dialogue['gap']>[0]['reason']; requested: string }): void {
    this.#options.onGap(gap.reason);
    this.#dialogue?.gap({ ...gap, missed: null });
  }

  /** Null for what is no text. */
  #received(text: Buffer | null): void {
    if (!this.#countFrame() || this.#dialogue === null) return;
    this.#dialogue.received(text?.toString('utf8') ?? '');
  }

  #countFrame(): boolean {
    const now = this.#options.now();
    this.#lastSignOfLife = now;
    if (takeFrame(this.#allowance, now)) return true;
    this.close('slowConsumer', 'too_many_frames');
    return false;
  }

  #leave(): void {
    this.#options.fanout.unsubscribe(this.#subscriber);
  }
}
