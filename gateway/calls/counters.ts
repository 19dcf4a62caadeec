/** Plain numbers that the keepers raise and the metrics endpoint reads. */
export interface CallCounters {
  /** Entries that were taken into the table here. */
  reduced: number;
  /** Writes that were refused because another keeper had moved the table. */
  refusedWrites: number;
  /** Tables that were made anew from the oldest entry. */
  rebuilds: number;
  /** How far the table is behind the log, by partition; 0 for one that another replica keeps. */
  readonly behindMs: number[];
}

export function createCallCounters(): CallCounters {
  return { reduced: 0, refusedWrites: 0, rebuilds: 0, behindMs: [] };
}
