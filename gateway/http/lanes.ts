/** Runs it. False: there was nothing to do any more, as its client is gone. */
export type Work = () => boolean;

/** Work that waits, in lanes that take turns: however much waits in one lane, another waits for one of each. */
export class Lanes {
  readonly #lanes = new Map<string, Work[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** How much waits in a lane. */
  lengthOf(lane: string): number {
    return this.#lanes.get(lane)?.length ?? 0;
  }

  push(lane: string, work: Work): void {
    const waiting = this.#lanes.get(lane);
    if (waiting === undefined) this.#lanes.set(lane, [work]);
    else waiting.push(work);
    this.#size += 1;
  }

  /** The next piece of work; its lane goes behind the others, and is forgotten when it is empty. */
  shift(): Work | undefined {
    for (const [lane, waiting] of this.#lanes) {
      const work = waiting.shift();
      this.#lanes.delete(lane);
      if (waiting.length > 0) this.#lanes.set(lane, waiting);
      if (work !== undefined) this.#size -= 1;
      return work;
    }
    return undefined;
  }
}
