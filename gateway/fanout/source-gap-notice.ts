import { decodeSourceGap, type SourceGap } from '../../protocol/source-gap.ts';
import type { Cursors } from '../../event-log/cursor-seal.ts';
import type { StoredEntry } from '../../event-log/event-log.ts';
import { poisonReason } from '../../event-log/poison.ts';
import { controlFrame } from './control-frame.ts';
import type { Framing } from './encoding.ts';

/** A gap of a source at its place in the log, as connections are notified of it. */
export class SourceGapNotice {
  readonly partition: number;
  /** Id and partition of its entry. */
  readonly id: string;
  readonly gap: SourceGap;
  /** Pseudonym of the source, whose name belongs to the platform. */
  readonly pseudonym: string;
  readonly #frames = new Map<string, Buffer>();

  constructor({ partition, id }: StoredEntry, gap: SourceGap, pseudonym: string) {
    this.partition = partition;
    this.id = id;
    this.gap = gap;
    this.pseudonym = pseudonym;
  }

  /** Made once for all connections. The counts are those of all accounts: only a grant over all accounts gets them. */
  frame(withCounts: boolean, framing: Framing): Buffer {
    const key = `${framing} ${withCounts}`;
    let made = this.#frames.get(key);
    if (made === undefined) this.#frames.set(key, (made = this.#frame(withCounts, framing)));
    return made;
  }

  #frame(withCounts: boolean, framing: Framing): Buffer {
    const { reason, from, to, legs_ended, legs_begun } = this.gap;
    return controlFrame(framing, {
      type: 'source_gap',
      source: this.pseudonym,
      reason,
      from: new Date(from).toISOString(),
      to: new Date(to).toISOString(),
      legs_ended: withCounts ? legs_ended : null,
      legs_begun: withCounts ? legs_begun : null,
    });
  }
}

/** Null when the entry, which its meta line marks as a gap, cannot be read: it is poison. */
export function readSourceGap(entry: StoredEntry, cursors: Pick<Cursors, 'pseudonym'>): SourceGapNotice | null {
  const gap = poisonReason(entry) === null ? decodeSourceGap(entry.data.toString()) : null;
  return gap && new SourceGapNotice(entry, gap, cursors.pseudonym(gap.source));
}
