import { compareIds, type Position } from '../../protocol/position.ts';
import type { LogState } from './event-log.ts';

/** Whether entries after a position of this epoch may be gone. One partition too old makes it too old. */
export function isTooOld(position: Position, state: LogState): boolean {
  return position.ids.some((id, partition) => compareIds(id, state.trimmed[partition] ?? '0-0') < 0);
}
