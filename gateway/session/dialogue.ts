import type { FrameErrorCode } from '../../protocol/frame-error.ts';
import {
  parseClientFrame,
  type ClientFrame,
  type Filter,
  type FrameFault,
  type ParsedFrame,
} from '../../protocol/client-frame.ts';
import type { CloseName, CloseReason } from '../../protocol/close-code.ts';
import type { Grant, VerifiedToken } from '../auth/grant.ts';
import type { Sink } from '../fanout/connection.ts';
import type { AckOutcome } from '../group/groups.ts';
import { Announcements, expiry, inForce, type AnnouncedConnection, type AnnouncementOptions } from './announcements.ts';
import type { Acknowledgement } from './delivery.ts';
import { intersect, type Narrowed } from './narrow.ts';
import type { SnapshotRefusal } from './snapshot-delivery.ts';

/** What the dialogue needs from its connection. */
export interface Connection extends AnnouncedConnection {
  readonly group: string | null;
  readonly isOpen: boolean;
  renew(token: VerifiedToken): void;
  /** False where the filter cannot change. */
  refilter(grant: Grant): boolean;
  /** Null when a snapshot of the live calls follows, else why none does. */
  askSnapshot(): Promise<SnapshotRefusal | null>;
  /** Null where nothing is acknowledged. */
  acknowledge(frame: Acknowledgement): Promise<AckOutcome> | AckOutcome | null;
  /** Takes one frame off the client's allowance; false when it was too much. */
  countFrame(): boolean;
  close(name: CloseName, reason: CloseReason): void;
  /** Ends the connection because of a client's frame. */
  closeForFrame(fault: FrameFault): void;
}

export type TokenOutcome =
  | { readonly kind: 'valid'; readonly token: VerifiedToken }
  | { readonly kind: 'invalid' }
  /** Data that the token refers to cannot be read now. */
  | { readonly kind: 'unavailable' };

export interface DialogueOptions extends AnnouncementOptions {
  /** Whether a token is valid, and its account and user still exist. */
  readonly verifyToken: (token: string) => Promise<TokenOutcome>;
  readonly narrow: (grant: Grant, filter: Filter) => Narrowed;
  readonly now: () => number;
}

/** The control contract of one connection: frames besides events, and the handling of the client's frames. */
export class Dialogue extends Announcements {
  readonly #connection: Connection;
  readonly #options: DialogueOptions;
  /** The filter that the client requested within its token; null is all of the token. */
  #filter: Filter = { accounts: null, events: null };
  /** Answers frames one after the other, in order. */
  #turn: Promise<void> = Promise.resolve();

  constructor(connection: Connection, sink: Sink, options: DialogueOptions) {
    super(connection, sink, options, 'websocket');
    this.#connection = connection;
    this.#options = options;
  }

  /** Receives a text message of the client; anything but a known frame ends the connection. */
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
   * Handled at once, in parallel with the others: `maxPending` limits acknowledgements, so only one that is refused or
   * changes nothing counts as a frame.
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
    this.say({ type: 'auth_ok', ...expiry(token, this.#options.now()), scope: inForce(grant) });
    if (isNarrower) this.#narrowAgain(grant);
  }

  /** After a narrower token: keeps the part of the filter that the token still grants. */
  #narrowAgain(grant: Grant): void {
    const kept = intersect(grant, { account: grant.account, ...this.#filter });
    if (kept === null) this.#filter = { accounts: null, events: null };
    this.#connection.refilter(kept ?? grant);
    this.sayFilter(kept ?? grant);
  }

  #refilter(filter: Filter, ref: string | null): void {
    const narrowed = this.#options.narrow(this.#connection.token.grant, filter);
    if (!narrowed.ok) return this.#refuse(narrowed.code, narrowed.detail, ref);
    if (!this.#connection.refilter(narrowed.grant)) {
      return this.#refuse('filter_fixed', 'In a group the filter is that of the token.', ref);
    }
    this.#filter = filter;
    this.sayFilter(narrowed.grant);
  }

  /** A new profile is in force from here on. */
  override announceFilter(): void {
    const { grant } = this.#connection.token;
    this.sayFilter(intersect(grant, { account: grant.account, ...this.#filter }) ?? grant);
  }

  #refuse(code: FrameErrorCode, detail: string, ref: string | null): void {
    this.say({ type: 'error', code, detail, ref });
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

function isSame(one: Grant, other: Grant): boolean {
  return JSON.stringify(inForce(one)) === JSON.stringify(inForce(other));
}
