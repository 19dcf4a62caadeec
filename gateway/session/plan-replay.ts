import type { ProblemCode } from '../../protocol/problem-code.ts';
import { durationMs } from '../../protocol/subscription.ts';
import type { Problem } from '../http/problem.ts';

/** Where a connection begins: at the head, after a cursor, or at a time (Unix milliseconds). */
export type Start =
  | { readonly kind: 'live' }
  | { readonly kind: 'cursor'; readonly cursor: string }
  | { readonly kind: 'time'; readonly at: number; readonly asked: string };

/**
 * `fail`: a loss ends the connection. `clamp`: it continues from the oldest entry, and the loss is reported where the
 * contract allows. `snapshot`: the loss is reported, and a snapshot of the live calls follows.
 */
export type OnGap = 'fail' | 'clamp' | 'snapshot';

export interface ReplayPlan {
  readonly start: Start;
  /** End of a bounded replay, Unix milliseconds. */
  readonly until: number | null;
  readonly onGap: OnGap;
  /** Begins with a snapshot of the live calls, unless it resumes. */
  readonly snapshot: boolean;
}

const LIVE: Start = { kind: 'live' };

const RELATIVE = /^-((?:\d{1,6}h)?(?:\d{1,6}m)?(?:\d{1,6}s)?)$/;
/** URL parsers read a plus sign in a query as a blank: before an offset, the blank becomes a plus sign again. */
const RFC_3339 = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)(?:(Z)|([+ -]\d{2}:\d{2}))$/i;

export type PlannedReplay = { readonly replay: ReplayPlan } | { readonly problem: Problem };

/**
 * Reads `cursor`, `from`, `to`, `on_gap` and `snapshot`. Pure; `now` in Unix milliseconds. A time before the log's
 * start continues from the oldest entry only where that can be reported: a client of the plain contract must request it
 * itself (I4).
 */
export function planReplay(query: URLSearchParams, now: number, reportsGaps: boolean): PlannedReplay {
  const onGap = query.get('on_gap');
  if (onGap !== null && onGap !== 'fail' && onGap !== 'clamp' && onGap !== 'snapshot') {
    return refuse('invalid_on_gap', 'on_gap is fail, clamp or snapshot.', 'on_gap');
  }
  const snapshot = query.get('snapshot');
  const fault = judgeSnapshot({ snapshot, onGap, query, reportsGaps });
  if (fault !== null) return fault;
  const start = readStart(query, now);
  if ('problem' in start) return start;
  const inPlace = { start, snapshot: snapshot !== null, onGap: onGap ?? onLossOf(start, reportsGaps, snapshot) };
  const to = query.get('to');
  if (to === null) return { replay: { ...inPlace, until: null } };
  if (start.kind === 'live') return refuse('to_without_start', 'to ends a replay: give a cursor or from too.', 'to');
  const until = readTime(to, now);
  if (until === null) return refuse('invalid_to', TIME_FORM, 'to');
  if (until > now) return refuse('to_in_future', 'A replay ends in the past: leave to out to go on live.', 'to');
  if (start.kind === 'time' && start.at > until) return refuse('from_after_to', 'from is later than to.', 'from');
  return { replay: { ...inPlace, until } };
}

function onLossOf(start: Start, reportsGaps: boolean, snapshot: string | null): OnGap {
  if (snapshot !== null) return 'snapshot';
  return start.kind === 'time' && reportsGaps ? 'clamp' : 'fail';
}

interface SnapshotAsked {
  readonly snapshot: string | null;
  readonly onGap: string | null;
  readonly query: URLSearchParams;
  /** Whether it is the control contract. */
  readonly reportsGaps: boolean;
}

/** Why a request cannot have a snapshot; null when it can, or requests none. */
function judgeSnapshot({ snapshot, onGap, query, reportsGaps }: SnapshotAsked) {
  if (snapshot === null && onGap !== 'snapshot') return null;
  const field = snapshot === null ? 'on_gap' : 'snapshot';
  if (snapshot !== null && snapshot !== 'calls') return refuse('invalid_snapshot', 'snapshot is calls.', field);
  if (!reportsGaps)
    return refuse('snapshot_needs_v1', 'A snapshot comes as frames of the control contract: add v=1.', field);
  if (query.has('group'))
    return refuse('snapshot_in_group', 'A group shares events: only a connection of its own gets a snapshot.', field);
  if (query.has('from') || query.has('to')) {
    return refuse('snapshot_and_replay', 'A snapshot is of now: leave out from and to.', field);
  }
  return null;
}

function readStart(query: URLSearchParams, now: number): Start | { readonly problem: Problem } {
  const [cursor, from] = [query.get('cursor'), query.get('from')];
  if (cursor !== null && from !== null) {
    return refuse('cursor_and_from', 'Give a cursor or a time to begin from, not both.', 'from');
  }
  if (cursor === '') return refuse('invalid_cursor', 'The cursor is empty.', 'cursor');
  if (cursor !== null) return { kind: 'cursor', cursor };
  return from === null ? LIVE : timeStart(from, now);
}

const TIME_FORM = 'A time is RFC 3339, as 2026-01-31T09:30:00Z, or how long ago, as -15m.';

function timeStart(from: string, now: number): Start | { readonly problem: Problem } {
  const at = readTime(from, now);
  if (at === null) return refuse('invalid_from', TIME_FORM, 'from');
  if (at > now) return refuse('from_in_future', 'from lies in the future: leave it out to begin live.', 'from');
  return { kind: 'time', at, asked: from };
}

/** Unix milliseconds, or null when the text is not a time. */
function readTime(text: string, now: number): number | null {
  const ago = RELATIVE.exec(text)?.[1];
  if (ago !== undefined) return ago === '' ? null : Math.max(0, now - durationMs(ago));
  const [, local, utc, offset] = RFC_3339.exec(text) ?? [];
  if (local === undefined) return null;
  // Date.parse reads 30 February as 2 March.
  const wall = Date.parse(`${local}Z`);
  if (Number.isNaN(wall) || new Date(wall).toISOString().slice(0, 19) !== local.slice(0, 19).toUpperCase()) return null;
  const at = Date.parse(`${local}${utc === undefined ? (offset ?? '').replace(' ', '+') : 'Z'}`);
  return Number.isNaN(at) || at < 0 ? null : at;
}

function refuse(code: ProblemCode, detail: string, field: string): { readonly problem: Problem } {
  return { problem: { status: 400, code, detail, field } };
}
