/** Work that is started and not awaited at once: it has an owner that awaits it at its end. */
export class Background {
  readonly #running = new Set<Promise<unknown>>();

  /** The work must not reject. */
  run(work: Promise<unknown>): void {
    const owned = work.finally(() => this.#running.delete(owned));
    this.#running.add(owned);
  }

  /** Resolves once nothing runs, what was started meanwhile included. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
