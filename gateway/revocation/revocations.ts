import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../runtime/logging/logger.ts';
import type { VerifiedToken } from '../auth/grant.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import type { Sessions } from '../session/sessions.ts';
import { isRevoked, LIFETIME_US, merge, newestMark, revokedOf, subjectOf } from './revocation.ts';
import type { Revoked, RevokedList } from './revocation.ts';
import { RevocationsUnavailable, type RevocationStore, type Seen } from './revocation-store.ts';

export interface RevocationsOptions {
  readonly store: RevocationStore;
  readonly directory: LiveDirectory;
  readonly logger: Logger;
  /** Called with the outcome of each revocation that was requested here. */
  readonly onAsked?: (outcome: RevokeOutcome['kind']) => void;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Time between two checks of the store, default 1 s. */
  readonly intervalMs?: number;
}

/** A revocation in force. Times in Unix milliseconds. */
export interface Revocation {
  readonly revoked: Revoked;
  readonly at: number;
  /** Every token that it stops has ended by then. */
  readonly until: number;
}

export type RevokeOutcome =
  | { readonly kind: 'revoked'; readonly revocation: Revocation; readonly closed: number }
  | { readonly kind: 'no_room' }
  /** It may be in force nevertheless; the request can be repeated. */
  | { readonly kind: 'unavailable'; readonly code: string };

/**
 * The revocations that this replica knows: at most about a second behind the store; the last known ones while it is
 * away.
 */
export class Revocations implements AsyncDisposable {
  readonly #options: RevocationsOptions;
  readonly #stop = new AbortController();
  #list: RevokedList = new Map();
  #isKnown = false;
  /** State of the store when it last contained every revocation that is known here; null: read it in full. */
  #seen: Seen | null = null;
  #fault: string | null = null;
  #reading: Promise<void> | null = null;
  #next: Promise<void> | null = null;
  #following: Promise<void> = Promise.resolve();
  #leaveDirectory: () => void = () => undefined;
  #sessions: Pick<Sessions, 'closeWhere'> | null = null;

  private constructor(options: RevocationsOptions) {
    this.#options = options;
  }

  /** Reads the list once, if the store can be reached, and follows it from then on. */
  static async open(options: RevocationsOptions): Promise<Revocations> {
    const revocations = new Revocations(options);
    await revocations.refresh();
    revocations.#following = revocations.#follow();
    // An account may have been moved below a revoked one.
    revocations.#leaveDirectory = options.directory.onChange(() => void revocations.#closeRevoked());
    return revocations;
  }

  /** False until the list was read for the first time: until then every handshake is refused. */
  get isKnown(): boolean {
    return this.#isKnown;
  }

  /** Number of revocations in force. */
  get size(): number {
    return this.#list.size;
  }

  isRevoked(token: VerifiedToken): boolean {
    return isRevoked(this.#list, token, this.#options.directory.current);
  }

  /** From now on closes sessions with 4503 as soon as their token is revoked. */
  endSessionsOf(sessions: Pick<Sessions, 'closeWhere'>): void {
    this.#sessions = sessions;
    this.#closeRevoked();
  }

  /**
   * The mark for a token of a login that begins now: at or above the marks of all revocations that were answered before
   * the call.
   */
  async mark(): Promise<number> {
    await this.refresh();
    return newestMark(this.#list);
  }

  async revoke(revoked: Revoked): Promise<RevokeOutcome> {
    const outcome = await this.#revoke(revoked);
    this.#options.onAsked?.(outcome.kind);
    return outcome;
  }

  async #revoke(revoked: Revoked): Promise<RevokeOutcome> {
    const subject = subjectOf(revoked);
    try {
      const mark = await this.#options.store.revoke(subject, newestMark(this.#list));
      if (mark === null) return { kind: 'no_room' };
      this.#seen = null;
      const closed = this.#add(new Map([[subject, mark]]));
      return { kind: 'revoked', revocation: revocationOf(subject, mark), closed };
    } catch (error) {
      if (error instanceof RevocationsUnavailable) return { kind: 'unavailable', code: error.code };
      throw error;
    }
  }

  /** Revocations before the mark `before`, the newest first. */
  page(before: number, most: number): { revocations: Revocation[]; next: number | null } {
    const older = [...this.#list].filter(([, mark]) => mark < before).toSorted(([, one], [, other]) => other - one);
    const page = older.slice(0, most);
    const next = older.length > most ? (page.at(-1)?.[1] ?? null) : null;
    return { revocations: page.map(([subject, mark]) => revocationOf(subject, mark)), next };
  }

  /** Reads the store; never rejects. At most one read runs and one waits. */
  refresh(): Promise<void> {
    if (this.#reading === null) {
      this.#reading = this.#read().finally(() => (this.#reading = null));
      return this.#reading;
    }
    // The running read may have missed a later revocation: only the next read certainly sees it.
    this.#next ??= this.#reading.then(() => {
      this.#next = null;
      return this.refresh();
    });
    return this.#next;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#leaveDirectory();
    await this.#following;
    await this.#next;
    await this.#reading;
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await delay(this.#options.intervalMs ?? 1_000, undefined, { signal, ref: false }).catch(() => undefined);
      if (!signal.aborted) await this.refresh();
    }
  }

  async #read(): Promise<void> {
    const { store, logger } = this.#options;
    try {
      const read = await store.read(this.#seen);
      this.#add(read?.list ?? new Map());
      if (read !== null) {
        const lost = new Map([...this.#list].filter(([subject, mark]) => (read.list.get(subject) ?? -1) < mark));
        this.#isKnown = true;
        this.#seen = lost.size === 0 ? read.seen : null;
        if (lost.size > 0) await store.restore(lost);
      }
      this.#fault = null;
    } catch (error) {
      if (!(error instanceof RevocationsUnavailable)) throw error;
      if (this.#fault !== error.code) {
        logger.warn({ code: error.code }, 'revocations cannot be read: the last known ones stay in force');
      }
      this.#fault = error.code;
    }
  }

  #add(added: RevokedList): number {
    const before = this.#list;
    this.#list = merge(before, added, this.#options.now() * 1_000);
    return this.#list === before ? 0 : this.#closeRevoked();
  }

  #closeRevoked(): number {
    return this.#sessions?.closeWhere((token) => this.isRevoked(token), 'revoked') ?? 0;
  }
}

function revocationOf(subject: string, mark: number): Revocation {
  return {
    revoked: revokedOf(subject),
    at: Math.floor(mark / 1_000),
    until: Math.ceil((mark + LIFETIME_US) / 1_000),
  };
}
