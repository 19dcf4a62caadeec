import { splitId, type Position } from '../../protocol/position.ts';
import { MAX_MESSAGE_BYTES, type GapReason, type ServerFrame } from '../../protocol/server-frame.ts';
import type { LogWindow } from '../../event-log/log-window.ts';
import type { Grant, VerifiedToken } from '../auth/grant.ts';
import { LEEWAY_S } from '../auth/token.ts';
import type { Sink } from '../fanout/connection.ts';
import { controlFrame } from '../fanout/control-frame.ts';
import type { Framing } from '../fanout/encoding.ts';
import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';
import type { Redactor } from '../privacy/redactor.ts';
import { HEARTBEAT_MS, type Moment } from './liveness.ts';

/** State of a connection that announcements need. */
export interface AnnouncedConnection {
  readonly id: string;
  readonly token: VerifiedToken;
  /** The privacy view of the client; null: everything. */
  readonly privacy: Pick<Redactor, 'name'> | null;
  readonly position: Position | null;
  readonly isBehind: boolean;
  readonly entriesBehind: number | null;
}

export interface Greeting {
  readonly from: Position | null;
  readonly group: string | null;
  readonly standby: boolean | null;
  /** False while a gap before `from` is still unreported: no client resumes from there until then. Default: true. */
  readonly isPlace?: boolean;
}

export interface AnnouncementOptions {
  /**
   * Whether this grant shows everything in the log: only then it may show how many legs of all accounts a gap ended.
   */
  readonly seesWhole: (grant: Grant) => boolean;
  readonly window: Pick<LogWindow, 'oldestCursor' | 'cursors'>;
}

/** A loss, as a connection is notified of it. */
export interface Gap {
  readonly reason: GapReason;
  readonly requested: string | null;
  readonly missed: number | null;
  /** Events after this one follow; null or absent when it is not known yet. */
  readonly goesOnFrom?: Position | null;
}

const WATERMARK_EVERY_MS = 10_000;
const LAGGING_EVERY_MS = 10_000;
const EXPIRES_SOON_MS = 60_000;
/** A peer that does not read needs no watermark after its unread data. */
const MOST_QUEUED = 1024 * 1024;

/** The frames of a connection besides events, in any framing, except for a plain connection. */
export class Announcements {
  readonly #connection: AnnouncedConnection;
  readonly #sink: Sink;
  readonly #options: AnnouncementOptions;
  readonly #framing: Framing;
  #spokenAt = Number.NEGATIVE_INFINITY;
  #laggingAt = Number.NEGATIVE_INFINITY;
  /** The token whose end was announced. */
  #announced: string | null = null;

  constructor(connection: AnnouncedConnection, sink: Sink, options: AnnouncementOptions, framing: Framing) {
    this.#connection = connection;
    this.#sink = sink;
    this.#options = options;
    this.#framing = framing;
  }

  greet({ from, group, standby, isPlace = true }: Greeting, steady = performance.now()): void {
    const { id, token } = this.#connection;
    this.#spokenAt = steady;
    const cursor = this.#seal(from);
    const hello: ServerFrame = {
      type: 'hello',
      session: id,
      heartbeat_ms: HEARTBEAT_MS[this.#framing],
      cursor,
      oldest: this.#options.window.oldestCursor,
      filter: inForce(token.grant),
      expires_at: rfc3339(expiresAt(token)),
      privacy: this.#connection.privacy?.name ?? null,
      max_message_bytes: MAX_MESSAGE_BYTES,
      group,
      standby,
    };
    this.say(hello, isPlace ? cursor : null);
  }

  gap({ reason, requested, missed, goesOnFrom = null }: Gap): void {
    const { oldestCursor: oldest } = this.#options.window;
    this.say({ type: 'gap', reason, requested, missed, oldest }, this.#seal(goesOnFrom));
  }

  sourceGap(notice: SourceGapNotice): void {
    const withCounts = this.#options.seesWhole(this.#connection.token.grant);
    this.#sink.write(notice.frame(withCounts, this.#framing), null);
  }

  announceDrain(retryAfterMs: number): void {
    this.say({ type: 'drain', retry_after_ms: Math.round(retryAfterMs) });
  }

  /** A new profile is in force from here on. */
  announceFilter(): void {
    this.sayFilter(this.#connection.token.grant);
  }

  sweep({ wall: now, steady }: Moment): void {
    const { token, position, isBehind } = this.#connection;
    const endsAt = expiresAt(token);
    if (now >= endsAt - EXPIRES_SOON_MS && this.#announced !== token.id) {
      this.#announced = token.id;
      this.say({ type: 'token_expiring', ...expiry(token, now) });
    }
    if (position === null) return;
    if (isBehind && steady - this.#laggingAt >= LAGGING_EVERY_MS) {
      this.#laggingAt = steady;
      this.say({ type: 'lagging', behind_events: this.#connection.entriesBehind, behind_ms: behindMs(position, now) });
    }
    if (steady - this.#spokenAt < WATERMARK_EVERY_MS || this.#sink.queued >= MOST_QUEUED) return;
    this.#spokenAt = steady;
    const cursor = this.#options.window.cursors.seal(position);
    this.say({ type: 'watermark', cursor, time: rfc3339(now) }, cursor);
  }

  /** `id`: where a client of Server-Sent Events resumes once it has the frame. */
  protected say(frame: ServerFrame, id: string | null = null): void {
    this.#sink.write(controlFrame(this.#framing, frame, id), null);
  }

  protected sayFilter(grant: Grant): void {
    const { position, privacy } = this.#connection;
    const cursor = this.#seal(position);
    this.say({ type: 'filter', filter: inForce(grant), privacy: privacy?.name ?? null, cursor });
  }

  #seal(position: Position | null): string | null {
    return position === null ? null : this.#options.window.cursors.seal(position);
  }
}

export function inForce({ accounts, events }: Grant) {
  return { accounts: accounts === null ? null : [...accounts], events: events === null ? null : [...events] };
}

/** Announces `exp` itself: the leeway after it is not promised. */
function expiresAt(token: VerifiedToken): number {
  return token.sessionEndsAt - LEEWAY_S * 1_000;
}

export function expiry(token: VerifiedToken, now: number) {
  return { expires_at: rfc3339(expiresAt(token)), expires_in_ms: Math.max(0, expiresAt(token) - now) };
}

/** Time of the newest written entry: entry ids begin with the time. */
function behindMs(position: Position, now: number): number | null {
  const newest = Math.max(...position.ids.map((id) => splitId(id)[0]));
  return newest > 0 ? Math.max(0, now - newest) : null;
}

function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
