/** Since when accounts are missing in the directory, as this replica sees it. Times are monotonic, in milliseconds. */
export class Absences {
  readonly #since = new Map<string, number>();
  readonly #limitMs: number;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** The accounts that are missing for longer than the limit. `missing`: those that are missing now. */
  look(missing: ReadonlySet<string>, now: number): ReadonlySet<string> {
    for (const account of this.#since.keys()) if (!missing.has(account)) this.#since.delete(account);
    for (const account of missing) if (!this.#since.has(account)) this.#since.set(account, now);
    const over = [...this.#since].filter(([, since]) => now - since > this.#limitMs);
    return new Set(over.map(([account]) => account));
  }
}
