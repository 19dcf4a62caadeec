import type { CallRecord, LegName } from '../../protocol/call.ts';
import type { NewEvent } from '../../event-log/event-log.ts';
import type { LateEnd } from '../../event-log/late-end.ts';
import type { KnownLeg, LegChange, LegQuery } from './reduce-entries.ts';
import type { SliceRecords } from './slice-records.ts';

/** The place up to which a partition's table is true, and the current work on it. */
export interface TableAt {
  /** Epoch of the log that made the table. */
  readonly epoch: string;
  /** The table contains everything up to this entry, and nothing after it. */
  readonly id: string;
  /**
   * `dropping`: legs of another epoch are being removed. `building`: legs are read from the oldest entry up to `until`.
   * `live`: the table can be read.
   */
  readonly phase: 'dropping' | 'building' | 'live';
  /** The newest entry when building began. */
  readonly until: string;
}

/** Where a read of accounts continues: the index of the account in the list, and the place in that account. */
export interface SlicePlace {
  readonly account: number;
  readonly leg: string;
}

export const FIRST_SLICE: SlicePlace = { account: 0, leg: '0' };

export interface Slice {
  readonly at: TableAt;
  /** The epoch of the partition's stream at that moment; null where the log itself says its epoch at no cost. */
  readonly streamEpoch: string | null;
  readonly records: SliceRecords;
  /** Null when all accounts were read. */
  readonly next: SlicePlace | null;
}

/** Most legs in one read: less than half a millisecond of Redis's time, for which appended events wait. */
export const SLICE_LEGS = 100;
/** Default limit of live legs of an account in the table, spread over the partitions. */
export const LEGS_PER_ACCOUNT = 50_000;
/** Most accounts in one read of Redis. */
export const SLICE_ACCOUNTS = 100;

/**
 * The live legs of each partition. Every write names the state that it starts from. If the table has a different state,
 * the write is refused, and the writer reads again. That is the only fence between two writers. Two implementations
 * pass the same suite: in Redis, and in memory beside the embedded log. Rejects with LogUnavailable.
 */
export interface CallTable {
  /** Null when there is no table yet. */
  at(partition: number): Promise<TableAt | null>;
  /** The legs as of `at`, by `legKey`; null when the table has moved on. */
  look(partition: number, at: TableAt, legs: readonly LegQuery[]): Promise<ReadonlyMap<string, KnownLeg> | null>;
  /** Entry ids of the synthetic ends of legs, by `legKey`, for legs that have one. */
  ended(partition: number, legs: readonly LegName[]): Promise<ReadonlyMap<string, string>>;
  /** Null when the table was no longer at `from`, or the log lacks an entry of `holds`: nothing was written. */
  write(partition: number, step: TableStep): Promise<Written | null>;
  /**
   * Appends the end of a leg to the log, unless the leg has an end or a newer event: at most one end, whatever races
   * occur. The leg stays in the table until the table has read its end.
   */
  end(partition: number, end: LegEnd): Promise<EndOutcome>;
  /** Marks the table as kept: a table that no replica keeps may be removed. */
  touch(partition: number): Promise<void>;
  /** Milliseconds since the last mark; null when there is none. */
  idleMs(partition: number): Promise<number | null>;
  /** Deletes a table that is `dropping` and empty. False when it has moved on. */
  forget(partition: number, at: TableAt): Promise<boolean>;
  /**
   * Starts the table, or starts it anew: `from` is the state found. `drop` removes the legs that it held. False when it
   * has moved on.
   */
  begin(partition: number, from: TableAt | null, at: TableAt): Promise<boolean>;
  /**
   * Removes the legs of some accounts while the table is `dropping`; true when none is left. Null when it has moved on.
   */
  drop(partition: number, at: TableAt): Promise<boolean | null>;
  /** Accounts that have a leg. Some of these may have none any more, and newer ones may be missing. */
  accounts(partition: number): Promise<readonly string[]>;
  /** Some legs of these accounts, as of the slice's own `at`; null when there is no table. */
  slice(partition: number, accounts: readonly string[], from: SlicePlace): Promise<Slice | null>;
}

/**
 * `ended`: this call has appended the end. `not`: the leg has an end, or has changed. `later`: the table is behind, or
 * it is too early.
 */
export type EndOutcome = 'ended' | 'not' | 'later';

export interface LegEnd {
  /** The state of the table in which the record was found. */
  readonly at: TableAt;
  readonly record: CallRecord;
  readonly event: NewEvent;
  /** Unix milliseconds, by the log's clock. */
  readonly notBefore: number;
  readonly lateEnd: LateEnd;
}

interface Written {
  /** Number of legs that were left out, because their account has too many already. */
  readonly refusedLegs: number;
}

export interface TableStep {
  readonly from: TableAt;
  readonly to: TableAt;
  readonly changes: Iterable<LegChange>;
  /** Ids of entries that the log must hold at the moment of the write; default: none. */
  readonly holds?: readonly string[];
}
