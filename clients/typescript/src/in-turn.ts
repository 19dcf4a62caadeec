/** Runs one task at a time, in the order of the requests, as an async generator does. */
export class InTurn {
  #last: Promise<unknown> | null = null;

  /** Whether no task is running. */
  get isIdle(): boolean {
    return this.#last === null;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last === null ? work() : this.#last.then(work, work);
    this.#last = result;
    const end = () => {
      if (this.#last === result) this.#last = null;
    };
    result.then(end, end);
    return result;
  }
}
