import { randomUUID } from 'node:crypto';
import type { WebSocket } from 'ws';
import type { FrameFault } from '../../protocol/client-frame.ts';
import {
  CLOSE,
  closeReason,
  FIRST_FINAL_CODE,
  type CloseName,
  type CloseReason,
  type ReasonDetail,
} from '../../protocol/close-code.ts';
import type { Position } from '../../protocol/position.ts';
import type { Grant, VerifiedToken } from '../auth/grant.ts';
import { SessionRecord } from '../journal/session-record.ts';
import type { Slot } from '../quota/quota.ts';
import { isSameRedactor, type Redactor } from '../privacy/redactor.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import type { ClientConnection } from './client-connection.ts';
import { fullAllowance, takeFrame, type FrameAllowance } from './client-frames.ts';
import { Dialogue } from './dialogue.ts';
import type { Acknowledgement, Delivery, DeliverySession } from './delivery.ts';
import { feedInPieces, type FrameReader } from './frame-feed.ts';
import type { SessionStart } from './begin.ts';
import { judgeLiveness, type Moment } from './liveness.ts';
import { LogDelivery } from './log-delivery.ts';
import { GroupDelivery } from './group-delivery.ts';
import type { Contract } from './plan-upgrade.ts';
import type { SessionContext, SessionOptions } from './session-context.ts';
import { SocketWriter } from './socket-writer.ts';

/** How long a connection may still take the Close after reading from it has stopped. */
const LINGER_MS = 500;

/** The session of a WebSocket, for the listeners that all sessions share. */
const SESSION = Symbol('session');
type Owned = WebSocket & { readonly [SESSION]: Session };

function onWebSocket<Given extends unknown[]>(run: (session: Session, ...given: Given) => void) {
  return function listener(this: WebSocket, ...given: Given): void {
    run((this as Owned)[SESSION], ...given);
  };
}

/** One connection: sends events, in either contract. The dialogue sends everything else. */
export class Session implements DeliverySession, ClientConnection, FrameReader {
  /** Copied, because Node joins it from 14 strings that the engine would keep in memory. */
  readonly id = Buffer.from(randomUUID(), 'latin1').toString('latin1');
  readonly number: number;
  readonly address: string;
  readonly contract: Contract;
  /** Null for a connection that reads the log itself. */
  readonly group: string | null;
  /** Unix milliseconds. */
  readonly since: number;
  readonly record: SessionRecord;
  readonly #context: SessionContext;
  readonly #webSocket: WebSocket;
  readonly #share: Slot;
  readonly #writer: SocketWriter;
  readonly #delivery: Delivery;
  readonly #allowance: FrameAllowance;
  /** Null in the plain contract, which sends only events. */
  readonly #dialogue: Dialogue | null;
  #token: VerifiedToken;
  #privacy: Redactor | null;
  /** By the steady clock, like the times below. */
  readonly #openedAt: number;
  #lastSignOfLife: number;
  #lastPing: number;
  /** The allowance is used up: nothing more is read. */
  #isDeaf = false;
  /** It ends because of what its client sent. */
  #isAtFault = false;
  /** Number of unanswered pings: this many pongs do not count against the allowance. */
  #awaitedPongs = 0;

  constructor(options: SessionOptions, context: SessionContext) {
    const { webSocket, socket, token, plan } = options;
    const steady = performance.now();
    this.number = options.number;
    this.address = options.address;
    this.contract = plan.contract;
    this.group = plan.group;
    this.since = context.now();
    this.#token = token;
    this.#privacy = plan.form.privacy;
    this.#context = context;
    this.#webSocket = webSocket;
    this.#share = options.share;
    this.#allowance = fullAllowance(steady);
    this.#openedAt = steady;
    this.#lastSignOfLife = steady;
    this.#lastPing = steady;
    this.record = new SessionRecord(context.journal, this);
    this.#writer = new SocketWriter(socket, this);
    this.#dialogue = plan.contract === 'control' ? new Dialogue(this, this.#writer, context) : null;
    this.#delivery = plan.group === null ? this.#fromLog(options) : this.#fromGroup(options, plan.group);
    if (plan.group !== null) this.record.opened(null);
    feedInPieces(socket, this);
    this.#listen(webSocket);
  }

  /** Shared listeners: a closure for each event would cost memory for each connection. */
  #listen(webSocket: WebSocket): void {
    Object.assign(webSocket, { [SESSION]: this });
    webSocket.on('message', Session.#onMessage).on('ping', Session.#onPing).on('pong', Session.#onPong);
    webSocket.on('error', Session.#onError).on('close', Session.#onClose);
  }

  static readonly #onMessage = onWebSocket((session, data: unknown, isBinary: boolean) =>
    session.#received(isBinary ? null : (data as Buffer)),
  );
  static readonly #onPing = onWebSocket((session) => session.countFrame());
  static readonly #onPong = onWebSocket((session, payload: Buffer) => session.#pong(payload));
  /** ws closes by itself with the code that RFC 6455 requires; the peer caused the error. */
  static readonly #onError = onWebSocket((session) => {
    session.#isAtFault = true;
    session.#leave();
  });
  static readonly #onClose = onWebSocket((session, code: number) => {
    session.#leave();
    session.#share.release();
    session.record.closed(code);
    session.#context.onClose(session, code);
  });

  /** Whether the client's input is read. */
  get mayRead(): boolean {
    return !this.#isDeaf;
  }

  get isAtFault(): boolean {
    return this.#isAtFault;
  }

  /** How long it has been open, in milliseconds. */
  get age(): number {
    return performance.now() - this.#openedAt;
  }

  get token(): VerifiedToken {
    return this.#token;
  }

  get privacy(): Redactor | null {
    return this.#privacy;
  }

  /** Everything up to here was written to the connection, or is not for it. */
  get position(): Position | null {
    return this.#delivery.position;
  }

  get entriesBehind(): number | null {
    return this.#delivery.entriesBehind;
  }

  get writtenTo(): Position | null {
    return this.record.writtenTo;
  }

  get isBehind(): boolean {
    return this.#delivery.isBehind;
  }

  acknowledge(frame: Acknowledgement): ReturnType<Delivery['acknowledge']> {
    return this.#delivery.acknowledge(frame);
  }

  askSnapshot(): ReturnType<Delivery['askSnapshot']> {
    return this.#delivery.askSnapshot();
  }

  /** Replaces the token by another one of the same account. */
  renew(token: VerifiedToken): void {
    this.#token = token;
    this.record.renewed();
    // The token was verified just before: a revocation in between did not reach this session.
    this.judgeAgain();
  }

  /** Applies its token, the present directory and the present profiles to all later events, or ends the session. */
  judgeAgain(): void {
    if (!this.isOpen) return;
    if (!this.#context.mayStay(this.#token)) return void this.close('revoked', 'revoked');
    const privacy = this.#context.privacyOf(this.#token);
    if (isSameRedactor(privacy, this.#privacy)) return;
    this.#privacy = privacy;
    this.#delivery.show(privacy);
    this.#dialogue?.announceFilter();
  }

  /** False where the filter cannot change. */
  refilter(grant: Grant): boolean {
    return this.#delivery.refilter(grant);
  }

  get reportsGaps(): boolean {
    return this.#dialogue !== null;
  }

  gap(gap: Parameters<DeliverySession['gap']>[0]): void {
    this.#context.onGap(gap.reason);
    this.#dialogue?.gap(gap);
  }

  /** A plain client sees only the synthetic ends. */
  sourceGap(notice: SourceGapNotice): void {
    this.#dialogue?.sourceGap(notice);
  }

  /** Announces that this replica drains, and when the client should reconnect. */
  announceDrain(retryAfterMs: number): void {
    this.#dialogue?.announceDrain(retryAfterMs);
  }

  /** Sends pings and watermarks, or ends the session, when they are due. */
  sweep(now: Moment): void {
    const verdict = judgeLiveness(
      { lastSignOfLife: this.#lastSignOfLife, lastPing: this.#lastPing, sessionEndsAt: this.#token.sessionEndsAt },
      now,
    );
    if (verdict === 'token_expired') this.close('tokenExpired', 'token_expired');
    else if (verdict === 'no_traffic') this.close('noTraffic', 'no_traffic');
    else if (this.#delivery.isTooSlow) this.close('slowConsumer', 'slow_consumer');
    else if (verdict === 'ping' && this.isOpen) {
      this.#lastPing = now.steady;
      this.record.pinged();
      this.#ping();
    }
    if (!this.isOpen) return;
    this.record.swept(this.#delivery);
    this.#dialogue?.sweep(now);
  }

  /** Bytes in memory of this process for the peer. */
  get unreadBytes(): number {
    return this.#writer.queued;
  }

  /**
   * Ends the session, with the cursor from which its client resumes. ws cuts off a peer that does not answer the Close
   * within its close timeout. False: it was ended before.
   */
  close(name: CloseName, reason: CloseReason, last?: Position | null): boolean {
    // Sealing a cursor costs microseconds: a flood of frames after the Close must not cause one for each frame.
    if (!this.isOpen) return false;
    const at = last === undefined ? this.position : last;
    const resumes = at !== null && CLOSE[name] < FIRST_FINAL_CODE;
    return this.#end(name, reason, { c: resumes ? this.#context.window.cursors.seal(at) : null });
  }

  /** Ends the session because of a frame of its client, with the fault in the close reason. */
  closeForFrame({ field, wrong }: FrameFault): void {
    this.#isAtFault = true;
    this.#end('notAFrame', 'not_a_frame', { f: field, d: wrong });
  }

  #end(name: CloseName, reason: CloseReason, detail: ReasonDetail): boolean {
    this.#leave();
    if (!this.isOpen) return false;
    if (reason === 'slow_consumer') this.#context.onSlowClose(this.#context.policy);
    this.#webSocket.close(CLOSE[name], closeReason(reason, detail));
    return true;
  }

  terminate(): void {
    this.#webSocket.terminate();
  }

  /** Of its WebSocket, for its writer. */
  get readyState(): number {
    return this.#webSocket.readyState;
  }

  /** A write met a connection that takes nothing more. */
  dropped(): void {
    this.record.stopped();
  }

  get isOpen(): boolean {
    return this.#webSocket.readyState === this.#webSocket.OPEN;
  }

  /** Null before a snapshot: the end of the snapshot has the first cursor that leads to a state. */
  #begins(start: SessionStart | null): Position | null {
    if (start === null) return this.#context.fanout.position;
    return 'snapshot' in start ? null : start.from;
  }

  /** The greeting is sent before the first event. */
  #fromLog({ token, plan, start }: SessionOptions): Delivery {
    this.#dialogue?.greet({ from: this.#begins(start), group: null, standby: null });
    const { form, replay } = plan;
    const wanted = { grant: token.grant, form, start, sink: this.#writer, onGap: replay.onGap };
    return new LogDelivery(this, wanted, this.#context);
  }

  #fromGroup({ token, plan }: SessionOptions, group: string): Delivery {
    return new GroupDelivery(this, {
      groups: this.#context.groups,
      group,
      grant: token.grant,
      format: plan.form.format,
      privacy: () => this.#privacy,
      sink: this.#writer,
      onGap: plan.replay.onGap,
      ping: (payload) => {
        if (this.isOpen) this.#ping(payload);
      },
      onStandby: (standby, from) => this.#dialogue?.greet({ from, group, standby }),
    });
  }

  #ping(payload?: Buffer): void {
    this.#awaitedPongs += 1;
    this.#webSocket.ping(payload);
  }

  /** An unsolicited pong (RFC 6455 5.5.3) counts as a frame. */
  #pong(payload: Buffer): void {
    if (this.#awaitedPongs === 0 || !this.isOpen) return void this.countFrame();
    this.#awaitedPongs -= 1;
    this.record.ponged();
    this.#lastSignOfLife = performance.now();
    this.#delivery.pong(payload);
  }

  /** Null when it is not text. */
  #received(text: Buffer | null): void {
    if (!this.isOpen) return void this.countFrame();
    this.#lastSignOfLife = performance.now();
    if (this.#dialogue === null) this.countFrame();
    else this.#dialogue.received(text?.toString('utf8') ?? '');
  }

  /**
   * Takes one frame off the client's allowance; false when it was too much and the session has ended. After the Close
   * of this side, the same allowance holds for frames that were on their way: beyond it nothing is read, and the
   * connection is cut off once the peer has had time to take the Close.
   */
  countFrame(): boolean {
    if (this.#isDeaf) return false;
    const now = performance.now();
    this.#lastSignOfLife = now;
    if (takeFrame(this.#allowance, now)) return true;
    this.#isDeaf = true;
    this.#isAtFault = true;
    this.close('slowConsumer', 'too_many_frames');
    this.#webSocket.pause();
    const timer = setTimeout(() => this.terminate(), LINGER_MS);
    this.#webSocket.once('close', () => clearTimeout(timer));
    return false;
  }

  #leave(): void {
    this.#delivery.leave();
  }
}
