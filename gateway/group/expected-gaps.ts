import type { SourceGapNotice } from '../fanout/source-gap-notice.ts';

/** More than these are reported at once: that is early, and nothing is lost. */
const MOST = 100;

/**
 * Gaps of sources in the log, in partitions that this replica reads for the group. The group reaches them itself,
 * unless this replica loses the partition first. Pure.
 */
export class ExpectedGaps {
  readonly #expected = new Map<string, SourceGapNotice>();

  /** Returns the gaps to report now, because too many are expected. */
  add(notice: SourceGapNotice): SourceGapNotice | null {
    this.#expected.set(keyOf(notice), notice);
    if (this.#expected.size <= MOST) return null;
    const [oldest] = this.#expected.values();
    if (oldest !== undefined) this.#expected.delete(keyOf(oldest));
    return oldest ?? null;
  }

  /** The group has reached it. */
  passed(notice: SourceGapNotice): void {
    this.#expected.delete(keyOf(notice));
  }

  /**
   * The partition moved to another replica, which notifies only its own connections: this replica must report these
   * gaps.
   */
  leave(partition: number): readonly SourceGapNotice[] {
    const left = [...this.#expected.values()].filter((notice) => notice.partition === partition);
    for (const notice of left) this.passed(notice);
    return left;
  }
}

/**
 * Gaps that one connection was notified of, so that it is not notified again when its replica takes the partition over.
 * Pure.
 */
export class ToldGaps {
  readonly #told = new Set<string>();

  /** False when it was reported before. */
  isNew(notice: SourceGapNotice): boolean {
    const key = keyOf(notice);
    if (this.#told.has(key)) return false;
    this.#told.add(key);
    const [oldest] = this.#told;
    if (this.#told.size > MOST && oldest !== undefined) this.#told.delete(oldest);
    return true;
  }
}

function keyOf({ partition, id }: SourceGapNotice): string {
  return `${partition}:${id}`;
}
