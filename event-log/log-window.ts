import { compareIds, type Position } from '../protocol/position.ts';
import type { Cursors } from './cursor-seal.ts';
import type { EventLog, LogState } from './event-log.ts';

/** Whether entries after a position of this epoch may be missing. One partition that is too old suffices. */
export function isTooOld(position: Position, state: LogState): boolean {
  return position.ids.some((id, partition) => compareIds(id, state.trimmed[partition] ?? '0-0') < 0);
}

/** The position from which everything that the log still contains can be read. */
export function oldestPosition(state: LogState): Position {
  return { epoch: state.epoch, ids: state.trimmed };
}

/** What can be replayed now: one read of the log serves all callers at about the same time. */
export interface LogWindow {
  /** A state that was read at most `maxAgeMs` ago. Rejects with LogUnavailable. */
  state(maxAgeMs: number): Promise<LogState>;
  /** The oldest cursor that could be resumed at the last check; null before the first one. */
  readonly oldestCursor: string | null;
  /** Seals positions, and opens clients' cursors. */
  readonly cursors: Cursors;
}

export function createLogWindow(eventLog: Pick<EventLog, 'state' | 'cursors'>, now: () => number): LogWindow {
  let look: { readonly at: number; readonly state: Promise<LogState> } | null = null;
  let oldestCursor: string | null = null;
  return {
    cursors: eventLog.cursors,
    get oldestCursor() {
      return oldestCursor;
    },
    state(maxAgeMs) {
      if (look !== null && now() - look.at <= maxAgeMs) return look.state;
      const mine = { at: now(), state: eventLog.state() };
      look = mine;
      mine.state.then(
        (state) => (oldestCursor = eventLog.cursors.seal(oldestPosition(state))),
        () => {
          // A failed read serves only the callers that waited for it.
          if (look === mine) look = null;
        },
      );
      return mine.state;
    },
  };
}
