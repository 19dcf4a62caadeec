/** Runs it. False: there was nothing left to do, because its client is gone. */
export type Work = () => boolean;

/**
 * Starts something, or continues a started task: within one lane the latter go first, so that few tasks are open at
 * once.
 */
export type Stage = 'begin' | 'continue';

type Lane = Readonly<Record<Stage, Work[]>>;

/** Lanes that had their turn are removed from the order this many at a time. */
const MOST_PASSED = 64;

/**
 * Waiting work, in lanes that take turns: however much waits in one lane, another lane waits for only one piece of
 * each.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  /**
   * The order of turns, from `#next` on. An array, because a Map whose keys move to its end allocates a new table each
   * time. Once one of these tables is old, every later one survives until a full garbage collection.
   */
  readonly #order: string[] = [];
  #next = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** How much waits in a lane. */
  lengthOf(lane: string): number {
    const waiting = this.#lanes.get(lane);
    return waiting === undefined ? 0 : waiting.begin.length + waiting.continue.length;
  }

  push(name: string, stage: Stage, work: Work): void {
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      lane = { begin: [], continue: [] };
      this.#lanes.set(name, lane);
      this.#order.push(name);
    }
    lane[stage].push(work);
    this.#size += 1;
  }

  /** The next piece of work; its lane moves behind the others, and is removed when it is empty. */
  shift(): Work | undefined {
    const name = this.#order[this.#next];
    const lane = name === undefined ? undefined : this.#lanes.get(name);
    if (name === undefined || lane === undefined) return undefined;
    const work = lane.continue.shift() ?? lane.begin.shift();
    this.#size -= 1;
    this.#next += 1;
    if (lane.begin.length + lane.continue.length > 0) this.#order.push(name);
    else this.#lanes.delete(name);
    if (this.#next >= MOST_PASSED && this.#next * 2 >= this.#order.length) {
      this.#order.splice(0, this.#next);
      this.#next = 0;
    }
    return work;
  }
}
