const PREFIX = 'g';
const CURSOR = /^g-([0-9a-z]{1,11})-([0-9a-z]{1,11})$/;
const BASE = 36;

/**
 * The cursor of an event in a group: its place among the deliveries to this one connection. A position in the log does
 * not suffice: an event that is delivered again comes later here than in the log, and an earlier acknowledgement must
 * not cover it. It is not a cursor of the log: a resume with it is refused, and never continues at a wrong place.
 * `membership` distinguishes the connections of this process: milliseconds at which it joined, or later.
 */
export function encodeGroupCursor(membership: number, delivery: number): string {
  return `${PREFIX}-${membership.toString(BASE)}-${delivery.toString(BASE)}`;
}

/** The delivery's number; null when the cursor belongs to another membership. */
export function decodeGroupCursor(text: string, membership: number): number | null {
  const [, joined, delivery] = CURSOR.exec(text) ?? [];
  if (joined === undefined || delivery === undefined) return null;
  return Number.parseInt(joined, BASE) === membership ? Number.parseInt(delivery, BASE) : null;
}
