import { BEFORE_EVERYTHING, compareIds, type Position } from '../../protocol/position.ts';
import type { JournalEntry, NotedGrant, PassReason, SessionEntry } from './entry.ts';

/** One entry of the log. */
export interface Place {
  readonly epoch: string;
  readonly partition: number;
  /** Id of the entry. */
  readonly id: string;
}

/** A part of a session with the same grant and filter: written events lie after `from`, up to `to`. */
export interface Segment {
  /** Grant of the token; null when the journal lacks it. */
  readonly login: NotedGrant | null;
  /** The filter in force: within `login`. */
  readonly grant: NotedGrant | null;
  readonly from: Position;
  /** Null: it continues, or its end is unknown. */
  readonly to: Position | null;
}

/** Nothing after `from` up to `to` was written. */
interface PassedOver {
  readonly reason: PassReason;
  readonly from: Position;
  readonly to: Position;
}

/** The journal's data of one session. More than eight members: a report. */
export interface SessionHistory {
  readonly session: string;
  readonly account: string;
  readonly user: string;
  /** Ids of its tokens, the first one first. */
  readonly tokens: readonly string[];
  /** Null when the journal has no entry with it. */
  readonly replica: string | null;
  readonly contract: string | null;
  readonly group: string | null;
  /** Unix milliseconds; null when the journal begins later than the session. */
  readonly openedAt: number | null;
  readonly closed: { readonly at: number; readonly code: number } | null;
  readonly segments: readonly Segment[];
  readonly passed: readonly PassedOver[];
  /** A pong proved that the client has read up to here. */
  readonly confirmed: Position | null;
  readonly behindMax: number;
  /** Whether it was behind in its last entry. */
  readonly isBehind: boolean;
  /** The latest place up to which events were certainly written; null for none. */
  readonly reached: Position | null;
}

/** Whether a position is at or after a place. False when their epochs differ. Pure. */
export function holds({ epoch, ids }: Position, place: Place): boolean {
  return epoch === place.epoch && compareIds(place.id, ids[place.partition] ?? BEFORE_EVERYTHING) <= 0;
}

/** Whether a place lies after `from`, up to `to`. Pure. */
export function isBetween(place: Place, from: Position, to: Position | null): boolean {
  return from.epoch === place.epoch && !holds(from, place) && (to === null || holds(to, place));
}

/** The sessions in these entries, in the order of their first entries. Pure. */
export function historiesOf(entries: readonly JournalEntry[]): readonly SessionHistory[] {
  const found = new Map<string, SessionHistory>();
  for (const entry of entries) {
    if (entry.kind === 'tree' || entry.kind === 'offer') continue;
    found.set(entry.session, advance(found.get(entry.session) ?? nothingOf(entry), entry));
  }
  return [...found.values()];
}

function nothingOf({ session, account, user }: SessionEntry): SessionHistory {
  const unknown = { replica: null, contract: null, group: null, openedAt: null, closed: null };
  const none = { segments: [], passed: [], confirmed: null, behindMax: 0, isBehind: false, reached: null };
  return { session, account, user, tokens: [], ...unknown, ...none };
}

function advance(known: SessionHistory, entry: SessionEntry): SessionHistory {
  switch (entry.kind) {
    case 'opened':
      return opened(known, entry);
    case 'filter': {
      const { position, login, grant } = entry;
      return {
        ...known,
        tokens: withToken(known.tokens, entry.token),
        segments: [...ended(known.segments, position), { login, grant, from: position, to: null }],
        reached: position,
      };
    }
    case 'passed': {
      const { reason, from, to } = entry;
      const last = known.segments.at(-1);
      const { login = null, grant = null } = last ?? {};
      return {
        ...known,
        segments: [...ended(known.segments, from), { login, grant, from: to, to: null }],
        passed: [...known.passed, { reason, from, to }],
        reached: to,
      };
    }
    case 'behind':
      return { ...known, isBehind: true, reached: entry.position };
    case 'caught_up':
      return { ...known, isBehind: false, reached: entry.position };
    case 'confirmed':
      return confirmed(known, entry);
    case 'closed': {
      const { at, code, position, behind_max: behindMax } = entry;
      return {
        ...known,
        closed: { at, code },
        segments: position === null ? known.segments : ended(known.segments, position),
        confirmed: entry.confirmed ?? known.confirmed,
        behindMax,
        reached: position ?? known.reached,
      };
    }
  }
}

function opened(known: SessionHistory, entry: Extract<SessionEntry, { kind: 'opened' }>): SessionHistory {
  const { replica, token, contract, group, grant, from, at } = entry;
  return {
    ...known,
    replica,
    contract,
    group,
    tokens: [token],
    openedAt: at,
    segments: from === null ? [] : [{ login: grant, grant, from, to: null }],
    reached: from,
  };
}

/** When the first entries are gone, the known part begins here. */
function confirmed(known: SessionHistory, entry: Extract<SessionEntry, { kind: 'confirmed' }>): SessionHistory {
  const { replica, token, contract, grant, position, behind_max: behindMax } = entry;
  const isFirst = known.openedAt === null && known.segments.length === 0;
  return {
    ...known,
    replica,
    contract,
    tokens: withToken(known.tokens, token),
    confirmed: position,
    behindMax,
    segments: isFirst ? [{ login: null, grant, from: position, to: null }] : known.segments,
    reached: known.reached ?? position,
  };
}

function ended(segments: readonly Segment[], to: Position): readonly Segment[] {
  return segments.map((segment, index) => (index === segments.length - 1 ? { ...segment, to } : segment));
}

function withToken(tokens: readonly string[], token: string): readonly string[] {
  return tokens.includes(token) ? tokens : [...tokens, token];
}
