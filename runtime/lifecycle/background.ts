/** Work that is started and not awaited at once: its owner awaits it at the end. */
export class Background {
  readonly #running = new Set<Promise<unknown>>();

  /** The work must not reject. */
  run(work: Promise<unknown>): void {
    const owned = work.finally(() => this.#running.delete(owned));
    this.#running.add(owned);
  }

  /** Resolves once nothing runs, including work that was started in the meantime. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
