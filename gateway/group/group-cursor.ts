import { decodeCursor, encodeCursor } from '../../protocol/cursor.ts';

/**
 * The cursor of an event in a group: how far into what was written to this one connection it lies. A position in the
 * log would not do: an event that is delivered again lies behind others there, and an acknowledgement sent before it
 * came must not cover it. Its epoch is of a kind that no log has, so that a resume with it is a gap, never silent.
 */
const EPOCH = 'group';

/** `membership` tells the connections of this process apart: milliseconds at which it joined, or later. */
export function encodeGroupCursor(membership: number, delivery: number): string {
  return encodeCursor({ epoch: EPOCH, ids: [`${membership}-${delivery}`] });
}

/** The delivery's number; null when the cursor is not of this membership. */
export function decodeGroupCursor(text: string, membership: number): number | null {
  const position = decodeCursor(text, 1);
  const [joined, delivery] = (position?.ids[0] ?? '').split('-').map(Number);
  return position?.epoch === EPOCH && joined === membership && delivery !== undefined ? delivery : null;
}
