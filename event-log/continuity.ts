import { BEFORE_EVERYTHING, compareIds, previousId } from '../protocol/position.ts';

/** Facts from Redis about one partition's stream. */
export interface PartitionState {
  readonly epoch: string;
  /** First retained id, `0-0` when empty. */
  readonly oldest: string;
  /** Last id ever assigned, `0-0` when none was. */
  readonly newest: string;
  /** Entries ever added to the stream since it was created. */
  readonly added: number;
  /** Number of entries in the stream. */
  readonly length: number;
  /** Greatest id that was deleted by hand. */
  readonly maxDeleted: string;
  /** Everything after this id still exists. */
  readonly trimmed: string;
  /** Whether the entry at the reader's position is in the stream. */
  readonly holdsPosition: boolean;
}

export type Break = 'position_ahead' | 'count_went_back' | 'position_vanished' | 'trimmed_past';

/**
 * Why a stream of unchanged epoch is no longer the one that was read up to `id`; null when it is the same. A restart
 * from an older dump, or an append-only file that lost its last second, keeps the epoch and loses entries.
 * `addedBefore` is `added` at the last check, 0 at the first. `behind` says that trimming may have overtaken the
 * reader: it was away, or has more to read than one reply contains.
 */
export function judgeContinuity(
  state: PartitionState,
  reader: { readonly id: string; readonly addedBefore: number; readonly behind: boolean },
): Break | null {
  const { id } = reader;
  if (state.added < reader.addedBefore) return 'count_went_back';
  if (compareIds(state.newest, id) < 0) return 'position_ahead';
  if (id === BEFORE_EVERYTHING || state.holdsPosition || state.length === 0) return null;
  // Nothing was ever removed from this stream, but it lacks the entry that was read: it was deleted and refilled.
  if (state.added === state.length) return 'position_vanished';
  const deletedByHand = compareIds(id, state.maxDeleted) <= 0;
  if (compareIds(state.oldest, id) < 0) return deletedByHand ? null : 'position_vanished';
  // The position was trimmed, which is harmless unless unread entries were trimmed, too.
  return reader.behind && compareIds(state.newest, id) > 0 && state.added > state.length ? 'trimmed_past' : null;
}

/**
 * The last id up to which entries may be missing at a stream's old end. The firehose's trimming records it exactly,
 * with the number of removed entries. If other systems also removed entries, all entries before the first remaining one
 * may be missing.
 */
export function trimmedUpTo(stream: {
  readonly oldest: string;
  readonly newest: string;
  readonly added: number;
  readonly length: number;
  /** The record of the last trimming; empty when there is none. */
  readonly recorded: string;
  readonly removed: number;
}): string {
  const gone = stream.added - stream.length;
  if (gone === 0) return BEFORE_EVERYTHING;
  if (stream.recorded !== '' && gone === stream.removed) return stream.recorded;
  return stream.length === 0 ? stream.newest : previousId(stream.oldest);
}
