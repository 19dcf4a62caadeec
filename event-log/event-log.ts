import type { Position } from '../protocol/position.ts';
import type { Cursors } from './cursor-seal.ts';

/** One entry of the log. `data` is the event's bytes as the producer sent them; they are never re-serialised. */
export interface StoredEntry {
  readonly partition: number;
  /** `<milliseconds>-<sequence>`, increasing within the partition. */
  readonly id: string;
  /** The meta line (`m`), see protocol/entry.ts. Empty when the entry has none: such an entry is poison. */
  readonly meta: string;
  readonly data: Buffer;
}

/** An event to append. The log adds the ingest time. */
export interface NewEvent {
  readonly name: string;
  readonly account: string;
  readonly callId: string;
  /** Idempotency key: a second event of the account with the same id within ten minutes is a duplicate. */
  readonly eventId: string;
  readonly traceparent: string;
  readonly data: Buffer;
}

export type AppendOutcome =
  | {
      readonly outcome: 'accepted' | 'duplicate';
      readonly partition: number;
      readonly id: string;
      /** The end of a leg that already has a synthetic one, at `id`. */
      readonly isLate?: true;
    }
  | { readonly outcome: 'failed'; readonly code: string };

/** The two ends of the log, for a reader. */
export interface LogState {
  /** Epoch: changes when any of the streams was lost and refilled. */
  readonly epoch: string;
  /** First retained entry id of each partition, `0-0` when it has no entry. */
  readonly oldest: readonly string[];
  /** Last entry id that each partition ever had, `0-0` when it never had one. */
  readonly newest: readonly string[];
  /** For each partition, everything after this id still exists: `0-0` when nothing was ever removed. */
  readonly trimmed: readonly string[];
}

export type ReadOutcome =
  /**
   * Entries of all partitions after the position, in order within each partition; empty when the wait ended without
   * any.
   */
  | { readonly kind: 'entries'; readonly entries: readonly StoredEntry[] }
  /** The streams were lost and refilled since the position: nothing before `state` is known to be complete. */
  | { readonly kind: 'epoch_lost'; readonly state: LogState };

/** A follower of all partitions: one blocking connection in Redis. */
export interface LogReader extends AsyncDisposable {
  /**
   * Waits at most `waitMs` for entries after `position`. Rejects with a LogUnavailable while the log is unavailable
   * (the caller retries with back-off, from the same position) and with the signal's reason when aborted.
   */
  read(position: Position, options: { waitMs: number; signal: AbortSignal }): Promise<ReadOutcome>;
}

/**
 * The event log: appended once, read by every gateway. Two implementations pass the same test-suite: embedded (in
 * memory, bounded in bytes) and Redis Streams.
 */
export interface EventLog extends AsyncDisposable {
  /** The storage of the log, as fields of a log line. Contains no secret. */
  readonly place: { readonly event_log: string; readonly hosts?: string; readonly database?: number };
  readonly partitions: number;
  /** Positions as clients see them. The key is that of the resource's log once `state` has succeeded. */
  readonly cursors: Cursors;
  /** Last entry id of each partition at the last check; empty before the first one. */
  readonly newest: readonly string[];
  /** Whether other resources use the same streams, as far as is known. */
  readonly isShared: boolean;
  /** Current ends of the log. Rejects with LogUnavailable when it is unavailable. */
  state(): Promise<LogState>;
  /** Only the epoch of `state`, at a small part of its cost. Rejects with LogUnavailable. */
  epoch(): Promise<string>;
  /**
   * Appends in order. Returns an outcome for each event; never rejects. No event is `accepted` before the log has it.
   */
  append(events: readonly NewEvent[]): Promise<AppendOutcome[]>;
  /** Up to `count` entries of one partition after `afterId`, oldest first. */
  range(partition: number, afterId: string, count: number): Promise<readonly StoredEntry[]>;
  reader(): LogReader;
}

/** The log cannot be reached now; a retry may help. `code` is stable and safe to show. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
  readonly code: string;
  constructor(code: string, options?: ErrorOptions) {
    super(`the event log is not available: ${code}`, options);
    this.code = code;
  }
}
