import type { FrameErrorCode } from '../../protocol/frame-error.ts';
import {
  parseClientFrame,
  type ClientFrame,
  type Filter,
  type FrameFault,
  type ParsedFrame,
} from '../../protocol/client-frame.ts';
import type { CloseName, CloseReason } from '../../protocol/close-code.ts';
import { splitId, type Position } from '../../protocol/position.ts';
import { encodeServerFrame, MAX_MESSAGE_BYTES, type GapReason, type ServerFrame } from '../../protocol/server-frame.ts';
import type { Grant, VerifiedToken } from '../auth/grant.ts';
import { LEEWAY_S } from '../auth/token.ts';
import { textFrame } from '../fanout/frame.ts';
import type { Sink } from '../fanout/connection.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import type { Redactor } from '../privacy/redactor.ts';
import type { LogWindow } from '../../event-log/log-window.ts';
import type { AckOutcome } from '../group/groups.ts';
import type { Acknowledgement } from './delivery.ts';
import { PING_EVERY_MS, type Moment } from './liveness.ts';
import { intersect, type Narrowed } from './narrow.ts';
import type { SnapshotRefusal } from './snapshot-delivery.ts';

/** What the dialogue needs of its connection. */
export interface Connection {
  readonly id: string;
  readonly group: string | null;
  readonly token: VerifiedToken;
  /** What its client sees of personal data; null: everything. */
  readonly privacy: Pick<Redactor, 'name'> | null;
  readonly position: Position | null;
  readonly isBehind: boolean;
  readonly entriesBehind: number | null;
  readonly isOpen: boolean;
  renew(token: VerifiedToken): void;
  /** False where the filter cannot change. */
  refilter(grant: Grant): boolean;
  /** Null when a snapshot of the live calls comes, else why none does. */
  askSnapshot(): Promise<SnapshotRefusal | null>;
  /** Null where nothing is acknowledged. */
  acknowledge(frame: Acknowledgement): Promise<AckOutcome> | AckOutcome | null;
  /** Takes a frame off what the client may send; false when that was too much. */
  countFrame(): boolean;
  close(name: CloseName, reason: CloseReason): void;
  /** Ends it for what its client said. */
  closeForFrame(fault: FrameFault): void;
}

export interface Greeting {
  readonly from: Position | null;
  readonly group: string | null;
  readonly standby: boolean | null;
}

export type TokenOutcome =
  | { readonly kind: 'valid'; readonly token: VerifiedToken }
  | { readonly kind: 'invalid' }
  /** What the token refers to cannot be looked up now. */
  | { readonly kind: 'unavailable' };

export interface DialogueOptions {
  /** Whether a token is valid, and its account and user still exist. */
  readonly verifyToken: (token: string) => Promise<TokenOutcome>;
  readonly narrow: (grant: Grant, filter: Filter) => Narrowed;
  /** Whether this grant shows all that the log holds: only then may it know how many legs of all accounts a gap ended. */
  readonly seesWhole: (grant: Grant) => boolean;
  readonly window: Pick<LogWindow, 'oldestCursor' | 'cursors'>;
  readonly now: () => number;
}

const WATERMARK_EVERY_MS = 10_000;
const LAGGING_EVERY_MS = 10_000;
const EXPIRES_SOON_MS = 60_000;
/** A peer that does not read needs no watermark behind its unread data. */
const MOST_QUEUED = 1024 * 1024;

/**
 * The control contract of one connection: the frames that are sent besides events, and the handling of the client's
 * frames.
 */
export class Dialogue {
  readonly #connection: Connection;
  readonly #sink: Sink;
  readonly #options: DialogueOptions;
  /** What the client asked for within its token; null is all of the token. */
  #filter: Filter = { accounts: null, events: null };
  #spokenAt = Number.NEGATIVE_INFINITY;
  #laggingAt = Number.NEGATIVE_INFINITY;
  /** The token whose end was announced. */
  #announced: string | null = null;
  /** Frames are answered one after the other, in their order. */
  #turn: Promise<void> = Promise.resolve();

  constructor(connection: Connection, sink: Sink, options: DialogueOptions) {
    this.#connection = connection;
    this.#sink = sink;
    this.#options = options;
  }

  greet({ from, group, standby }: Greeting, steady = performance.now()): void {
    const { id, token } = this.#connection;
    this.#spokenAt = steady;
    this.#say({
      type: 'hello',
      session: id,
      heartbeat_ms: PING_EVERY_MS,
      cursor: from === null ? null : this.#options.window.cursors.seal(from),
      oldest: this.#options.window.oldestCursor,
      filter: inForce(token.grant),
      expires_at: rfc3339(expiresAt(token)),
      privacy: this.#connection.privacy?.name ?? null,
      max_message_bytes: MAX_MESSAGE_BYTES,
      group,
      standby,
    });
  }

  gap(gap: { reason: GapReason; requested: string | null; missed: number | null }): void {
    this.#say({ type: 'gap', ...gap, oldest: this.#options.window.oldestCursor });
  }

  sourceGap(notice: SourceGapNotice): void {
    this.#sink.write(notice.frame(this.#options.seesWhole(this.#connection.token.grant)), null);
  }

  announceDrain(retryAfterMs: number): void {
    this.#say({ type: 'drain', retry_after_ms: Math.round(retryAfterMs) });
  }

  sweep({ wall: now, steady }: Moment): void {
    const { token, position, isBehind } = this.#connection;
    const endsAt = expiresAt(token);
    if (now >= endsAt - EXPIRES_SOON_MS && this.#announced !== token.id) {
      this.#announced = token.id;
      this.#say({ type: 'token_expiring', ...expiry(token, now) });
    }
    if (position === null) return;
    if (isBehind && steady - this.#laggingAt >= LAGGING_EVERY_MS) {
      this.#laggingAt = steady;
      this.#say({ type: 'lagging', behind_events: this.#connection.entriesBehind, behind_ms: behindMs(position, now) });
    }
    if (steady - this.#spokenAt < WATERMARK_EVERY_MS || this.#sink.queued >= MOST_QUEUED) return;
    this.#spokenAt = steady;
    this.#say({ type: 'watermark', cursor: this.#options.window.cursors.seal(position), time: rfc3339(now) });
  }

  /** A text message of the client; anything but a known frame ends the connection. */
  received(text: string): void {
    const parsed = parseClientFrame(text);
    if (!parsed.ok) return this.#faulty(parsed);
    const { frame } = parsed;
    if (isAcknowledgement(frame)) {
      void this.#acknowledge(frame);
      return;
    }
    if (!this.#connection.countFrame()) return;
    this.#turn = this.#turn.then(() => (this.#connection.isOpen ? this.#answer(frame) : undefined));
  }

  #faulty({ fault, filter }: Extract<ParsedFrame, { ok: false }>): void {
    if (filter === undefined) return this.#connection.closeForFrame(fault);
    if (!this.#connection.countFrame()) return;
    const { field, wrong } = fault;
    const detail = `${field ?? 'the frame'} ${wrong}`;
    this.#turn = this.#turn.then(() =>
      this.#connection.isOpen ? this.#refuse('invalid_filter', detail, filter.ref) : undefined,
    );
  }

  async #answer(frame: Exclude<ClientFrame, Acknowledgement>): Promise<void> {
    const ref = frame.ref ?? null;
    if (frame.kind === 'auth') await this.#authenticate(frame.auth, ref);
    else if (frame.kind === 'snapshot') void this.#giveSnapshot(ref);
    else this.#refilter(frame.filter, ref);
  }

  /**
   * Handled at once, in parallel with the others: `maxPending` limits acknowledgements, so that only one that is
   * refused or changes nothing counts as a frame.
   */
  async #acknowledge(frame: Acknowledgement): Promise<void> {
    const outcome = (await this.#connection.acknowledge(frame)) ?? NO_GROUP;
    if (outcome.ok && outcome.isIdle !== true) return;
    if (this.#connection.countFrame() && !outcome.ok) this.#refuse(outcome.code, outcome.detail, frame.ref ?? null);
  }

  /** Other frames are answered while the calls are read and written. */
  async #giveSnapshot(ref: string | null): Promise<void> {
    const refused = await this.#connection.askSnapshot();
    if (refused !== null && this.#connection.isOpen) this.#refuse(refused.code, refused.detail, ref);
  }

  async #authenticate(text: string, ref: string | null): Promise<void> {
    const outcome = await this.#options.verifyToken(text);
    const { token: current, isOpen } = this.#connection;
    if (!isOpen) return;
    if (outcome.kind === 'unavailable') {
      return this.#refuse('grant_unavailable', 'The grant of this token cannot be read now: try again.', ref);
    }
    if (outcome.kind === 'invalid' || outcome.token.grant.account !== current.grant.account) {
      return this.#connection.close('tokenRefused', 'token_refused');
    }
    const grant = intersect(current.grant, outcome.token.grant);
    if (grant === null) {
      return this.#refuse('scope_disjoint', 'The new token grants nothing of what this connection has.', ref);
    }
    const isNarrower = !isSame(grant, current.grant);
    if (isNarrower && this.#connection.group !== null) {
      return this.#refuse('group_grant_differs', 'In a group a new token has the grant of the first one.', ref);
    }
    const token = { ...outcome.token, grant };
    this.#connection.renew(token);
    this.#say({ type: 'auth_ok', ...expiry(token, this.#options.now()), scope: inForce(grant) });
    if (isNarrower) this.#narrowAgain(grant);
  }

  /** After a narrower token: the filter stays as far as the token still grants it. */
  #narrowAgain(grant: Grant): void {
    const kept = intersect(grant, { account: grant.account, ...this.#filter });
    if (kept === null) this.#filter = { accounts: null, events: null };
    this.#connection.refilter(kept ?? grant);
    this.#sayFilter(kept ?? grant);
  }

  #refilter(filter: Filter, ref: string | null): void {
    const narrowed = this.#options.narrow(this.#connection.token.grant, filter);
    if (!narrowed.ok) return this.#refuse(narrowed.code, narrowed.detail, ref);
    if (!this.#connection.refilter(narrowed.grant)) {
      return this.#refuse('filter_fixed', 'In a group the filter is that of the token.', ref);
    }
    this.#filter = filter;
    this.#sayFilter(narrowed.grant);
  }

  /** Another profile is in force from here on. */
  announceFilter(): void {
    const { grant } = this.#connection.token;
    this.#sayFilter(intersect(grant, { account: grant.account, ...this.#filter }) ?? grant);
  }

  #sayFilter(grant: Grant): void {
    const { position, privacy } = this.#connection;
    this.#say({
      type: 'filter',
      filter: inForce(grant),
      privacy: privacy?.name ?? null,
      cursor: position === null ? null : this.#options.window.cursors.seal(position),
    });
  }

  #refuse(code: FrameErrorCode, detail: string, ref: string | null): void {
    this.#say({ type: 'error', code, detail, ref });
  }

  #say(frame: ServerFrame): void {
    this.#sink.write(textFrame(encodeServerFrame(frame)), null);
  }
}

const NO_GROUP = {
  ok: false,
  code: 'no_group',
  detail: 'This connection is in no group: there is nothing to acknowledge.',
} as const;

function isAcknowledgement(frame: ClientFrame): frame is Acknowledgement {
  return frame.kind !== 'auth' && frame.kind !== 'filter' && frame.kind !== 'snapshot';
}

function inForce({ accounts, events }: Grant) {
  return { accounts: accounts === null ? null : [...accounts], events: events === null ? null : [...events] };
}

function isSame(one: Grant, other: Grant): boolean {
  return JSON.stringify(inForce(one)) === JSON.stringify(inForce(other));
}

/** `exp` itself: the leeway after it is not promised. */
function expiresAt(token: VerifiedToken): number {
  return token.sessionEndsAt - LEEWAY_S * 1_000;
}

function expiry(token: VerifiedToken, now: number) {
  return { expires_at: rfc3339(expiresAt(token)), expires_in_ms: Math.max(0, expiresAt(token) - now) };
}

/** By the newest entry that was written: entry ids begin with the time. */
function behindMs(position: Position, now: number): number | null {
  const newest = Math.max(...position.ids.map((id) => splitId(id)[0]));
  return newest > 0 ? Math.max(0, now - newest) : null;
}

function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
