/** Runs it. False: there was nothing to do any more, as its client is gone. */
export type Work = () => boolean;

/** Begins something, or continues what has begun: of one lane this goes first, so that little is under way at once. */
export type Stage = 'begin' | 'continue';

type Lane = Readonly<Record<Stage, Work[]>>;

/** Lanes that had their turn are dropped from the order this many at a time. */
const MOST_PASSED = 64;

/** Work that waits, in lanes that take turns: however much waits in one lane, another waits for one of each. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  /**
   * Whose turn is next, from `#next` on. An array: a Map whose keys move to its end leaves a table behind at each move,
   * and once one of these is old every later one stays until the collector looks at old objects.
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

  /** The next piece of work; its lane goes behind the others, and is forgotten when it is empty. */
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
