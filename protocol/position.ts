/**
 * A position in the log: the last seen entry id of each partition, and the epoch of the streams. Entry ids are Redis's:
 * `<milliseconds>-<sequence>`.
 */
export interface Position {
  /** Identifies the content of all streams; ids of different epochs cannot be compared. */
  readonly epoch: string;
  /** One entry id for each partition, in partition order; `0-0` is before everything. */
  readonly ids: readonly string[];
}

export const BEFORE_EVERYTHING = '0-0';

export function splitId(id: string): [milliseconds: number, sequence: number] {
  const dash = id.indexOf('-');
  return [Number(id.slice(0, dash)), Number(id.slice(dash + 1))];
}

/** When the newest entry before a position was written, Unix milliseconds: the same on every replica. */
export function timeOf({ ids }: Pick<Position, 'ids'>): number {
  return Math.max(0, ...ids.map((id) => splitId(id)[0]));
}

/** Whether one position is at or after another, in every partition. */
export function reaches(ids: readonly string[], other: readonly string[]): boolean {
  return other.every((id, partition) => compareIds(ids[partition] ?? BEFORE_EVERYTHING, id) >= 0);
}

/** For each partition, the later one of two ids. */
export function latest(ids: readonly string[], other: readonly string[]): string[] {
  return ids.map((id, partition) =>
    compareIds(id, other[partition] ?? BEFORE_EVERYTHING) < 0 ? (other[partition] ?? id) : id,
  );
}

/** For each partition, the earlier one of two ids. */
export function earliest(ids: readonly string[], other: readonly string[]): string[] {
  return ids.map((id, partition) => (compareIds(id, other[partition] ?? id) > 0 ? (other[partition] ?? id) : id));
}

/** Greater than the sequence of any id that Redis or the firehose makes, and still exact as a number. */
const LAST_SEQUENCE = Number.MAX_SAFE_INTEGER;

/** Directly before an id: entries after it begin with that id. */
export function previousId(id: string): string {
  const [milliseconds = '', sequence = ''] = id.split('-');
  if (sequence !== '0') return `${milliseconds}-${BigInt(sequence) - 1n}`;
  return milliseconds === '0' ? BEFORE_EVERYTHING : `${BigInt(milliseconds) - 1n}-${LAST_SEQUENCE}`;
}

/** The last possible id of a millisecond of Unix time. */
export function lastIdOf(milliseconds: number): string {
  return `${milliseconds}-${LAST_SEQUENCE}`;
}

/** Negative when `a` is before `b`, 0 when equal. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  const [aDash, bDash] = [a.indexOf('-'), b.indexOf('-')];
  // Compared as digits, because a double cannot represent 64 bits: the longer number is greater, equal lengths compare
  // as text.
  if (aDash !== bDash) return aDash - bDash;
  const [aMs, bMs] = [a.slice(0, aDash), b.slice(0, bDash)];
  if (aMs !== bMs) return aMs < bMs ? -1 : 1;
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : 1;
}
