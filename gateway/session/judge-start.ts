import type { ProblemCode } from '../../protocol/problem-code.ts';
import { compareIds, earliest, lastIdOf, previousId, type Position } from '../../protocol/position.ts';
import type { GapReason } from '../../protocol/server-frame.ts';
import type { Problem } from '../http/problem.ts';
import type { Cursors } from '../../event-log/cursor-seal.ts';
import type { LogState } from '../../event-log/event-log.ts';
import { isTooOld, oldestPosition } from '../../event-log/log-window.ts';
import type { OnGap, ReplayPlan, Start } from './plan-replay.ts';

/** Start and end of a replay in the present log, and the loss before it. */
export interface JudgedStart {
  readonly from: Position;
  readonly until: readonly string[] | null;
  readonly gap: { readonly reason: GapReason; readonly requested: string } | null;
}

/** The state of the log, and the key that opens its cursors. */
export interface Look {
  readonly state: LogState;
  readonly cursors: Cursors;
}

export type StartVerdict =
  | { readonly start: JudgedStart }
  /** The client requested a snapshot for this case. */
  | { readonly lost: { readonly reason: GapReason; readonly requested: string } }
  | { readonly problem: Problem };

/** Makes the decisions that are possible before the upgrade (I4). Pure. */
export function judgeStart(
  replay: ReplayPlan & { readonly start: Exclude<Start, { kind: 'live' }> },
  { state, cursors }: Look,
): StartVerdict {
  const { start, onGap } = replay;
  const until =
    replay.until === null
      ? null
      : earliest(
          state.newest,
          state.newest.map(() => lastIdOf(replay.until ?? 0)),
        );
  if (start.kind === 'time') {
    const before = previousId(`${start.at}-0`);
    const from = {
      epoch: state.epoch,
      ids: state.newest.map((newest) => (compareIds(newest, before) < 0 ? newest : before)),
    };
    if (!isTooOld(from, state)) return { start: { from, until, gap: null } };
    return lost('from_before_oldest', { requested: start.asked, state, cursors, until, onGap });
  }
  const opened = cursors.open(start.cursor, state.newest.length);
  if (opened.kind === 'invalid')
    return { problem: invalid('invalid_cursor', 'The cursor is malformed or was changed.') };
  const asked = { requested: start.cursor, state, cursors, until, onGap };
  if (opened.kind === 'foreign') return lost('epoch_lost', asked);
  const from = opened.position;
  if (from.epoch !== state.epoch) return lost('epoch_lost', asked);
  if (from.ids.some((id, partition) => compareIds(id, state.newest[partition] ?? '0-0') > 0)) {
    return { problem: invalid('cursor_from_future', 'The cursor lies beyond the newest event.') };
  }
  return isTooOld(from, state) ? lost('cursor_too_old', asked) : { start: { from, until, gap: null } };
}

/** Why events after a start are gone. */
type LostStart = Extract<GapReason, 'cursor_too_old' | 'epoch_lost' | 'from_before_oldest'>;

function lost(
  reason: LostStart,
  asked: Look & { requested: string; until: readonly string[] | null; onGap: OnGap },
): StartVerdict {
  if (asked.onGap === 'snapshot') return { lost: { reason, requested: asked.requested } };
  const oldest = oldestPosition(asked.state);
  if (asked.onGap === 'clamp') {
    return { start: { from: oldest, until: asked.until, gap: { reason, requested: asked.requested } } };
  }
  const detail = `${GONE[reason]} Ask with on_gap=clamp to go on from the oldest that is kept.`;
  return { problem: { status: 410, code: reason, detail, extra: { oldest: asked.cursors.seal(oldest) } } };
}

const GONE: Readonly<Record<LostStart, string>> = {
  cursor_too_old: 'Events after this cursor are no longer kept.',
  epoch_lost: 'The log was lost and refilled since this cursor, or another resource issued it.',
  from_before_oldest: 'Events of that time are no longer kept.',
};

function invalid(code: ProblemCode, detail: string): Problem {
  return { status: 400, code, detail, field: 'cursor' };
}
