/**
 * Plain numbers that the event path raises and the metrics endpoint reads: no instrument is called for each delivery.
 */
export interface FanoutCounters {
  /** Entries read, by partition. */
  readonly eventsRead: number[];
  deliveries: number;
  deliveredBytes: number;
  /** Uncompressed size of these minus their compressed size, in bytes. */
  savedBytes: number;
  /** Time spent on compression. */
  compressMs: number;
  writes: number;
  unknownAccount: number;
  /** Entries of accounts that the directory lacks, in a log that other resources use too. */
  foreignAccount: number;
  poison: number;
  /** Pages that could not be read for an unexpected reason. */
  pageErrors: number;
  /** One write of this many events and bytes to one connection. */
  written(events: number, bytes: number): void;
}

export function createCounters(): FanoutCounters {
  return {
    eventsRead: [],
    deliveries: 0,
    deliveredBytes: 0,
    savedBytes: 0,
    compressMs: 0,
    writes: 0,
    unknownAccount: 0,
    foreignAccount: 0,
    poison: 0,
    pageErrors: 0,
    written(events, bytes) {
      this.deliveries += events;
      this.deliveredBytes += bytes;
      this.writes += 1;
    },
  };
}
