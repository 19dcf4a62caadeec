import { ROOT, type JsonScan } from '../../event-log/intake/json-scan.ts';

/**
 * What happens to a member: it is kept, cut out, or kept without those of its own members that another judge cuts out.
 */
type Cut = 'keep' | 'cut' | Judge;

/** Judges a member of an object by its key and the node of its value. */
export type Judge = (key: string, node: number) => Cut;

/** The text of a scanned object without some of its members. */
export function cutMembers(scan: JsonScan, judge: Judge): string {
  return cutter.text(scan, judge);
}

/**
 * The rest keeps its bytes, its order and its white space: nothing is serialised again, so that a number beyond 2^53
 * and an unusual escape remain intact.
 */
class MemberCutter {
  #bytes: Buffer = Buffer.alloc(0);
  #out = Buffer.alloc(4_096);
  #length = 0;
  /** Bytes before this offset are written or cut. */
  #done = 0;

  text(scan: JsonScan, judge: Judge): string {
    const { bytes } = scan;
    if (this.#out.length < bytes.length) this.#out = Buffer.alloc(2 * bytes.length);
    this.#bytes = bytes;
    this.#length = 0;
    this.#done = 0;
    this.#cut(scan, ROOT, judge);
    if (this.#done === 0) return bytes.toString();
    this.#keepTo(bytes.length);
    return this.#out.toString('utf8', 0, this.#length);
  }

  /** Writes the bytes up to the last members that are cut out of this object. */
  #cut(scan: JsonScan, object: number, judge: Judge): void {
    const end = scan.end(object);
    /** Where the previous member ended, and whether a kept member precedes. */
    let before = -1;
    let hasKept = false;
    for (let node = scan.firstIn(object); node < end; node = scan.next(node)) {
      const verdict = judge(scan.keyName(node), node);
      const from = scan.memberFrom(node);
      if (verdict === 'cut') {
        // Skips the comma before it, because the first kept member has none.
        if (before >= 0) this.#cutOut(before, from);
        this.#cutOut(from, scan.to(node));
      } else {
        if (before >= 0 && !hasKept) this.#cutOut(before, from);
        hasKept = true;
        if (verdict !== 'keep') this.#cut(scan, node, verdict);
      }
      before = scan.to(node);
    }
  }

  #cutOut(from: number, to: number): void {
    this.#keepTo(from);
    this.#done = to;
  }

  #keepTo(to: number): void {
    if (to <= this.#done) return;
    this.#length += this.#bytes.copy(this.#out, this.#length, this.#done, to);
    this.#done = to;
  }
}

const cutter = new MemberCutter();
