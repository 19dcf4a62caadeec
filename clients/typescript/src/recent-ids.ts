/** Ids of the last events, to recognise one that is sent again (L5). Holds 10,000 to 20,000 of them. */
export class RecentIds {
  readonly #most: number;
  #younger = new Set<string>();
  #older = new Set<string>();

  constructor(most = 10_000) {
    this.#most = most;
  }

  has(id: string): boolean {
    return this.#younger.has(id) || this.#older.has(id);
  }

  /** False when the id is known already. */
  add(id: string): boolean {
    const before = this.#younger.size;
    this.#younger.add(id);
    if (this.#younger.size === before || this.#older.has(id)) return false;
    if (this.#younger.size >= this.#most) {
      this.#older = this.#younger;
      this.#younger = new Set();
    }
    return true;
  }
}
