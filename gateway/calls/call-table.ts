import type { CallRecord, LegName } from '../../protocol/call.ts';
import type { NewEvent } from '../../event-log/event-log.ts';
import type { LateEnd } from '../../event-log/late-end.ts';
import type { KnownLeg, LegChange, LegQuery } from './reduce-entries.ts';

/** Up to where the table of a partition is true, and what is being done to it. */
export interface TableAt {
  /** Epoch of the log whose entries made it. */
  readonly epoch: string;
  /** Everything up to this entry is in the table, and nothing after it. */
  readonly id: string;
  /**
   * `dropping`: legs of another epoch are being removed. `building`: legs are learnt from the oldest entry on, up to
   * `until`. `live`: it can be read.
   */
  readonly phase: 'dropping' | 'building' | 'live';
  /** The newest entry when building began. */
  readonly until: string;
}

/** Where a read of accounts continues: the account, by its place in the list, and the place in that account. */
export interface SlicePlace {
  readonly account: number;
  readonly leg: string;
}

export const FIRST_SLICE: SlicePlace = { account: 0, leg: '0' };

export interface Slice {
  readonly at: TableAt;
  readonly records: readonly CallRecord[];
  /** Null when all accounts were read. */
  readonly next: SlicePlace | null;
}

/** Legs that one read of Redis takes at most: two milliseconds of its time. */
export const SLICE_LEGS = 500;
/** Live legs of an account that the table takes when nothing else is said, spread over the partitions. */
export const LEGS_PER_ACCOUNT = 50_000;
/** Accounts that one read of Redis takes at most. */
export const SLICE_ACCOUNTS = 100;

/**
 * The live legs of each partition. Every write says from where it was made: one that was made of another state is
 * refused, and the writer reads anew. That is the fence between two writers; there is no other. Two implementations pass
 * the same suite: in Redis, and in memory beside the embedded log. Rejects with LogUnavailable.
 */
export interface CallTable {
  /** Null when there is no table yet. */
  at(partition: number): Promise<TableAt | null>;
  /** The legs as they are at `at`, by `legKey`; null when the table has moved on. */
  look(partition: number, at: TableAt, legs: readonly LegQuery[]): Promise<ReadonlyMap<string, KnownLeg> | null>;
  /** Entry ids of the synthetic ends that legs were given, by `legKey`, of those that were given one. */
  ended(partition: number, legs: readonly LegName[]): Promise<ReadonlyMap<string, string>>;
  /** Null when the table was not at `from` any more: nothing was written. */
  write(partition: number, step: TableStep): Promise<Written | null>;
  /**
   * Appends the end of a leg to the log, unless it has one, or has spoken since: an end, at most once, whatever races. The leg stays
   * in the table until the table has read its end.
   */
  end(partition: number, end: LegEnd): Promise<EndOutcome>;
  /** Says that the table is kept: one that no replica keeps may be removed. */
  touch(partition: number): Promise<void>;
  /** Milliseconds since it was last kept; null when there is none. */
  idleMs(partition: number): Promise<number | null>;
  /** Forgets a table that is `dropping` and empty. False when it has moved on. */
  forget(partition: number, at: TableAt): Promise<boolean>;
  /**
   * Begins, or begins again: `from` is what the table was found at. Legs that it held are removed by `drop`. False when it
   * has moved on.
   */
  begin(partition: number, from: TableAt | null, at: TableAt): Promise<boolean>;
  /** Removes some accounts' legs while the table is `dropping`; true when none is left. Null when it has moved on. */
  drop(partition: number, at: TableAt): Promise<boolean | null>;
  /** Accounts that have a leg: some of these may have none any more, and later ones may be missing. */
  accounts(partition: number): Promise<readonly string[]>;
  /** Some legs of these accounts, as they are at the slice's own `at`; null when there is no table. */
  slice(partition: number, accounts: readonly string[], from: SlicePlace): Promise<Slice | null>;
}

/** `ended`: this call has appended it. `not`: the leg has an end, or has changed. `later`: the table is behind, or it is too early. */
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
  /** Legs that were left out, since their account has too many already. */
  readonly refusedLegs: number;
}

export interface TableStep {
  readonly from: TableAt;
  readonly to: TableAt;
  readonly changes: Iterable<LegChange>;
}
