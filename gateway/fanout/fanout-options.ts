import type { Cursors } from '../../event-log/cursor-seal.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import type { PoisonReason } from '../../event-log/poison.ts';
import type { Position } from '../../protocol/position.ts';
import type { Grant } from '../auth/grant.ts';
import type { Directory } from '../directory/directory.ts';
import type { Notices, Sink, SlowPolicy } from './connection.ts';
import type { Form } from './encoding.ts';
import type { PageSource } from './puller.ts';
import type { Offer } from './route-index.ts';
import type { SourceGapNotice } from './source-gap-notice.ts';

/** More than eight members: the last seven are optional, and different parts of the fan-out use them. */
export interface FanoutOptions {
  readonly directory: Directory;
  readonly offers: Offer;
  readonly pages: PageSource;
  /** Seals the cursors of events with meta, and makes pseudonyms of sources. */
  readonly cursors: Pick<Cursors, 'seal' | 'pseudonym'>;
  /** Bytes of recent rounds kept in memory. */
  readonly tailBytes?: number;
  /** Writing to a connection pauses at this many bytes that the kernel has not taken, until it has taken them. */
  readonly highWater?: number;
  /** Whether the sockets encrypt the written bytes. */
  readonly isEncrypted?: boolean;
  /** Milliseconds of a monotonic clock. */
  readonly now?: () => number;
  readonly unroutable?: Unroutable;
  /** Called with each gap of a source when it is read, after the live connections were notified. */
  readonly onSourceGap?: (notice: SourceGapNotice) => void;
  /** Called with an unexpected error, where it was caught. */
  readonly onError?: (error: unknown) => void;
}

/** Handles entries that are delivered to no connection. */
interface Unroutable {
  /** Called with each entry that breaks the format. */
  readonly poison?: (entry: StoredEntry, reason: PoisonReason) => void;
  /** Whether other resources use the log too: accounts that the directory lacks then belong to them. */
  readonly isShared?: () => boolean;
  /** Called with this many entries of an account that the directory lacks, when that is a fault. */
  readonly unknownAccount?: (account: string, entries: number) => void;
}

export interface ConnectionOptions {
  readonly grant: Grant;
  readonly form: Form;
  readonly sink: Sink;
  readonly notices: Notices;
  /** Default: `CatchUp`. */
  readonly policy?: SlowPolicy;
  /** Begins after this position instead of at the head; must not be beyond the head. */
  readonly from?: Position;
  /** With `from`: ends there. */
  readonly until?: readonly string[] | null;
  /** With `from`: nothing is written until `seek`. */
  readonly isHeld?: boolean;
}
