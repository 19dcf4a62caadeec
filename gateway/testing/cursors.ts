import { CursorSeal } from '../../event-log/cursor-seal.ts';
import type { Position } from '../../protocol/position.ts';

/** Seals the cursors of a test's fan-out. */
export const cursors = new CursorSeal();

/** The position of such a cursor; null when it is not one. */
export function openCursor(text: string, partitions: number): Position | null {
  const opened = cursors.open(text, partitions);
  return opened.kind === 'position' ? opened.position : null;
}
