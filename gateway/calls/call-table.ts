import type { CallRecord, LegName } from '../../protocol/call.ts';
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
  /** False when the table was not at `from` any more: nothing was written. */
  write(partition: number, step: TableStep): Promise<boolean>;
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

export interface TableStep {
  readonly from: TableAt;
  readonly to: TableAt;
  readonly changes: Iterable<LegChange>;
}
