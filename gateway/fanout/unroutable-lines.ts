import type { PoisonReason } from '../../event-log/poison.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import type { SourceGapNotice } from './source-gap-notice.ts';
import type { Logger } from '../../runtime/logging/logger.ts';

/** At most one line of each kind in this time: a broken producer must not fill the disk. */
const EVERY_MS = 10_000;

/** Log lines about entries that are delivered to no connection. */
export interface UnroutableLines {
  readonly poison: (entry: StoredEntry, reason: PoisonReason) => void;
  /** This many entries of an account that is not in the directory. */
  readonly unknownAccount: (account: string, entries: number) => void;
  /** The line has the names that clients do not see, and the pseudonym that they do. */
  readonly sourceGap: (notice: SourceGapNotice) => void;
}

/** `now` is milliseconds of a monotonic clock. */
export function unroutableLines(logger: Logger, now: () => number): UnroutableLines {
  const poison = rarely(now);
  const unknown = rarely(now);
  const gap = rarely(now);
  return {
    poison: (entry, reason) =>
      poison(1, (entries) =>
        logger.warn(
          { partition: entry.partition, id: entry.id, reason, entries },
          'entries that break the format are skipped',
        ),
      ),
    unknownAccount: (account, count) =>
      unknown(count, (entries) =>
        logger.warn({ account, entries }, 'events of accounts that are not in the directory are not delivered'),
      ),
    sourceGap: ({ gap: { source, endpoint, reason, from, to }, pseudonym }) =>
      gap(1, (gaps) =>
        logger.warn(
          { source, pseudonym, endpoint, reason, seconds: Math.max(0, to - from) / 1_000, gaps },
          'a switch was not listened to for a time: control clients are notified',
        ),
      ),
  };
}

/** Counts, and logs the count at most once in `EVERY_MS`. */
function rarely(now: () => number): (count: number, say: (counted: number) => void) => void {
  let nextLine = Number.NEGATIVE_INFINITY;
  let unsaid = 0;
  return (count, say) => {
    unsaid += count;
    if (now() < nextLine) return;
    nextLine = now() + EVERY_MS;
    say(unsaid);
    unsaid = 0;
  };
}
