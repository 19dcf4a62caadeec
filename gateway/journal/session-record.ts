import type { Position } from '../../protocol/position.ts';
import type { Grant, VerifiedToken } from '../auth/grant.ts';
import { noted, type NotedGrant, type PassReason } from './entry.ts';
import type { Journal } from './journal.ts';

/** Account and user of the session. */
export interface RecordedSession {
  readonly id: string;
  readonly token: Pick<VerifiedToken, 'id' | 'username' | 'grant'>;
  readonly contract: string;
  readonly group: string | null;
}

/** Progress of the connection. */
export interface RecordedPlace {
  /** Everything up to here was passed to the connection, or is not for it. */
  readonly writtenTo: Position | null;
}

/** Whether the connection is behind, and how far. */
export interface RecordedPace {
  readonly isBehind: boolean;
  readonly entriesBehind: number | null;
}

/** How often a confirmed place is recorded while a session is open. */
const CONFIRM_EVERY_MS = 15 * 60_000;
/** A session that was behind counts as caught up after this time without being behind. */
const CALM_MS = 30_000;

/** Records of one session. Uses positions that other parts hold anyway, and allocates nothing for an event. */
export class SessionRecord {
  readonly #journal: Journal;
  readonly #session: RecordedSession;
  #place: RecordedPlace | null = null;
  #grant: Grant;
  /** The place after which nothing more was passed on; null while something may be. */
  #end: Position | null = null;
  #asked: Position | null = null;
  #confirmed: Position | null = null;
  #confirmNotedAt: number;
  #behindMax = 0;
  /** When it was last behind; null while the journal does not record it as behind. */
  #behindAt: number | null = null;

  constructor(journal: Journal, session: RecordedSession) {
    this.#journal = journal;
    this.#session = session;
    this.#grant = session.token.grant;
    this.#confirmNotedAt = journal.now();
  }

  /** `place` is null in a group, which keeps its own. */
  opened(place: RecordedPlace | null): void {
    this.#place = place;
    const from = place?.writtenTo ?? null;
    const { contract, group } = this.#session;
    this.#journal.note({
      kind: 'opened',
      ...this.#head(),
      ...this.#standing(),
      contract,
      group,
      from: from && noted(from),
    });
  }

  /** How far events were passed to the connection. */
  get writtenTo(): Position | null {
    return this.#end ?? this.#place?.writtenTo ?? null;
  }

  /** A new token is in force. */
  renewed(): void {
    this.refiltered(this.#grant);
  }

  refiltered(grant: Grant): void {
    this.#grant = grant;
    const position = this.#place?.writtenTo ?? null;
    if (position === null) return;
    const { token } = this.#session;
    this.#journal.note({
      kind: 'filter',
      ...this.#head(),
      token: token.id,
      login: shown(token.grant),
      grant: shown(grant),
      position: noted(position),
    });
  }

  passed(reason: PassReason, { from, to }: { readonly from: Position; readonly to: Position }): void {
    if (from.epoch === to.epoch && from.ids.every((id, partition) => id === to.ids[partition])) return;
    this.#journal.note({ kind: 'passed', ...this.#head(), reason, from: noted(from), to: noted(to) });
  }

  /** A ping was sent. While one is unanswered, the place of the first one counts. */
  pinged(): void {
    this.#asked ??= this.#place?.writtenTo ?? null;
  }

  ponged(): void {
    this.#confirmed = this.#asked ?? this.#confirmed;
    this.#asked = null;
  }

  swept(pace: RecordedPace): void {
    const now = this.#journal.now();
    if (pace.isBehind) {
      this.#behindMax = Math.max(this.#behindMax, pace.entriesBehind ?? 0);
      if (this.#behindAt === null) this.#note('behind');
      this.#behindAt = now;
    } else if (this.#behindAt !== null && now - this.#behindAt >= CALM_MS) {
      this.#behindAt = null;
      this.#note('caught_up');
    }
    if (this.#confirmed === null || now - this.#confirmNotedAt < CONFIRM_EVERY_MS) return;
    this.#confirmNotedAt = now;
    const { contract } = this.#session;
    this.#journal.note({
      kind: 'confirmed',
      ...this.#head(),
      ...this.#standing(),
      contract,
      position: noted(this.#confirmed),
      behind_max: this.#behindMax,
    });
  }

  /** The connection takes nothing more. Only the first call counts. */
  stopped(): void {
    this.#end ??= this.#place?.writtenTo ?? null;
  }

  closed(code: number): void {
    this.#journal.note({
      kind: 'closed',
      ...this.#head(),
      code,
      position: this.#end && noted(this.#end),
      confirmed: this.#confirmed && noted(this.#confirmed),
      behind_max: this.#behindMax,
    });
  }

  #note(kind: 'behind' | 'caught_up'): void {
    const position = this.#place?.writtenTo ?? null;
    if (position !== null) this.#journal.note({ kind, ...this.#head(), position: noted(position) });
  }

  #head() {
    const { id, token } = this.#session;
    return { session: id, account: token.grant.account, user: token.username, at: this.#journal.now() };
  }

  #standing(): { readonly replica: string; readonly token: string; readonly grant: NotedGrant } {
    return { replica: this.#journal.replica, token: this.#session.token.id, grant: shown(this.#grant) };
  }
}

function shown({ account, accounts, events }: Grant): NotedGrant {
  return { account, accounts: accounts && [...accounts], events: events && [...events] };
}
