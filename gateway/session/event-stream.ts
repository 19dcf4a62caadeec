import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { CLOSE, FIRST_FINAL_CODE, type CloseName, type CloseReason } from '../../protocol/close-code.ts';
import type { EventStreamFrame } from '../../protocol/event-stream-frame.ts';
import type { Position } from '../../protocol/position.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import { isSameRedactor, type Redactor } from '../privacy/redactor.ts';
import { SSE_COMMENT, sseControl, sseRetry } from '../fanout/sse-frame.ts';
import { SessionRecord } from '../journal/session-record.ts';
import type { Slot } from '../quota/quota.ts';
import { Announcements, type Gap } from './announcements.ts';
import type { SessionStart } from './begin.ts';
import type { DeliverySession } from './delivery.ts';
import { Uptake, type Moment } from './liveness.ts';
import { LogDelivery } from './log-delivery.ts';
import { comeBackAfter, FIRST_RETRY, RETRY } from './retry.ts';
import type { ClientConnection } from './client-connection.ts';
import type { SessionContext, SessionOptions } from './session-context.ts';
import { OPEN, SocketWriter } from './socket-writer.ts';

/** Inputs of one stream whose response has begun. */
export interface EventStreamOptions extends Pick<SessionOptions, 'socket' | 'token' | 'address' | 'number' | 'share'> {
  readonly plan: Pick<SessionOptions['plan'], 'replay' | 'form'>;
  /** Null begins at the head. */
  readonly start: SessionStart | null;
}

/** Close code for metrics of a peer that left without a Close (RFC 6455 7.1.5). */
const GONE = 1006;
const CLOSING = 2;
/** A peer that has not taken the end of the stream by then is cut off. */
const LAST_WORD_MS = 2_000;
/** Bytes that a client may send after its request: it has no reason to send any. */
const MOST_SENT = 4_096;

/** The stream of a socket, for the listeners that all streams share: closures would cost memory for each connection. */
const STREAM = Symbol('event stream');
type Owned = Socket & { readonly [STREAM]: EventStream };

function onSocket<Given extends unknown[]>(run: (stream: EventStream, ...given: Given) => void) {
  return function listener(this: Socket, ...given: Given): void {
    run((this as Owned)[STREAM], ...given);
  };
}

/** One connection of Server-Sent Events: events, and announcements beside them. Its client cannot answer. */
export class EventStream implements DeliverySession, ClientConnection {
  readonly id = Buffer.from(randomUUID(), 'latin1').toString('latin1');
  readonly number: number;
  readonly address: string;
  readonly contract = 'sse';
  readonly group = null;
  readonly since: number;
  readonly reportsGaps = true;
  readonly token: VerifiedToken;
  readonly record: SessionRecord;
  readonly #context: SessionContext;
  readonly #socket: Socket;
  readonly #share: Slot;
  readonly #writer: SocketWriter;
  readonly #announcements: Announcements;
  readonly #delivery: LogDelivery;
  readonly #openedAt = performance.now();
  readonly #uptake: Uptake;
  #readyState: number = OPEN;
  #privacy: Redactor | null;
  #received = 0;
  #isAtFault = false;
  /** Why it ends. */
  #code: number = GONE;

  constructor(options: EventStreamOptions, context: SessionContext) {
    const { socket, token, plan, start } = options;
    this.number = options.number;
    this.address = options.address;
    this.since = context.now();
    this.token = token;
    this.#privacy = plan.form.privacy;
    this.#context = context;
    this.#socket = socket;
    this.#share = options.share;
    this.record = new SessionRecord(context.journal, this);
    this.#writer = new SocketWriter(socket, this);
    this.#uptake = new Uptake(this.#openedAt);
    this.#announcements = new Announcements(this, this.#writer, context, 'sse');
    this.#listen();
    this.#writer.write(sseRetry(comeBackAfter(FIRST_RETRY)), null);
    this.#greet(start);
    const { form, replay } = plan;
    const wanted = { grant: token.grant, form, start, sink: this.#writer, onGap: replay.onGap };
    this.#delivery = new LogDelivery(this, wanted, context);
  }

  #listen(): void {
    Object.assign(this.#socket, { [STREAM]: this });
    this.#socket.on('data', EventStream.#onData).on('end', EventStream.#onGone);
    this.#socket.on('error', EventStream.#onGone).on('close', EventStream.#onClose).resume();
  }

  static readonly #onData = onSocket((stream, chunk: Buffer) => stream.#hear(chunk.length));
  static readonly #onGone = onSocket((stream) => stream.terminate());
  static readonly #onClose = onSocket((stream) => {
    stream.#leave();
    stream.#share.release();
    stream.record.closed(stream.#code);
    stream.#context.onClose(stream, stream.#code);
  });

  /** A client that begins after a gap gets a cursor to resume from only after the report of the gap. */
  #greet(start: SessionStart | null): void {
    const from = start === null ? this.#context.fanout.position : 'snapshot' in start ? null : start.from;
    this.#announcements.greet({ from, group: null, standby: null, isPlace: (start?.gap ?? null) === null });
  }

  /** Same interface as a WebSocket, for code that writes to either. */
  get readyState(): number {
    return this.#readyState;
  }

  /** A write met a socket that takes nothing more. */
  dropped(): void {
    this.record.stopped();
  }

  get isOpen(): boolean {
    return this.#readyState === OPEN;
  }

  get isAtFault(): boolean {
    return this.#isAtFault;
  }

  get age(): number {
    return performance.now() - this.#openedAt;
  }

  get privacy(): Redactor | null {
    return this.#privacy;
  }

  /** Applies its token, the present directory and the present profiles to all later events, or ends the stream. */
  judgeAgain(): void {
    if (!this.isOpen) return;
    if (!this.#context.mayStay(this.token)) return void this.close('revoked', 'revoked');
    const privacy = this.#context.privacyOf(this.token);
    if (isSameRedactor(privacy, this.#privacy)) return;
    this.#privacy = privacy;
    this.#delivery.show(privacy);
    this.#announcements.announceFilter();
  }

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

  get unreadBytes(): number {
    return this.#writer.queued;
  }

  gap(gap: Gap): void {
    this.#context.onGap(gap.reason);
    this.#announcements.gap(gap);
  }

  sourceGap(notice: SourceGapNotice): void {
    this.#announcements.sourceGap(notice);
  }

  announceDrain(retryAfterMs: number): void {
    this.#announcements.announceDrain(retryAfterMs);
  }

  /** Ends the stream, sends a comment after a silence, or announces what is due. */
  sweep(now: Moment): void {
    const { bytesWritten, writableLength } = this.#socket;
    const uptake = this.#uptake.judge({ bytesWritten, writableLength }, now.steady);
    if (now.wall >= this.token.sessionEndsAt) this.close('tokenExpired', 'token_expired');
    else if (uptake === 'stuck') this.close('noTraffic', 'no_traffic');
    else if (this.#delivery.isTooSlow) this.close('slowConsumer', 'slow_consumer');
    else if (this.isOpen) {
      if (uptake === 'silent') this.#writer.write(SSE_COMMENT, null);
      this.record.swept(this.#delivery);
      this.#announcements.sweep(now);
    }
  }

  /**
   * Ends the stream, with the cursor from which its client resumes and the delay before it does. A browser reconnects
   * after every end. Where that is useless, the answer to its next request is final.
   */
  close(name: CloseName, reason: CloseReason, last?: Position | null): boolean {
    if (!this.isOpen) return false;
    const at = last === undefined ? this.position : last;
    const resumes = at !== null && CLOSE[name] < FIRST_FINAL_CODE;
    const end: EventStreamFrame = { type: 'end', code: CLOSE[name], reason };
    this.#leave();
    if (reason === 'slow_consumer') this.#context.onSlowClose(this.#context.policy);
    this.#writer.write(sseRetry(comeBackAfter(RETRY)), null);
    this.#writer.write(sseControl(JSON.stringify(end), resumes ? this.#context.window.cursors.seal(at) : null), null);
    this.#readyState = CLOSING;
    this.#code = CLOSE[name];
    this.#socket.end();
    const timer = setTimeout(() => this.terminate(), LAST_WORD_MS);
    this.#socket.once('close', () => clearTimeout(timer));
    return true;
  }

  terminate(): void {
    this.#readyState = CLOSING;
    this.#socket.destroy();
  }

  #hear(bytes: number): void {
    this.#received += bytes;
    if (this.#received <= MOST_SENT) return;
    this.#isAtFault = true;
    this.terminate();
  }

  #leave(): void {
    this.#delivery.leave();
  }
}
