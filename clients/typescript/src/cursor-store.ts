import { FirehoseError } from './errors.ts';

/** Where the cursor of the last handled event is kept. `save` must be atomic: the new cursor, or the one before. */
export interface CursorStore {
  /** Null when there is none yet. Rejects when it cannot be read: the stream then fails, it never begins at now. */
  load(): Promise<string | null>;
  save(cursor: string): Promise<void>;
}

/** Keeps the cursor of the last handled event. One save at a time; what is handled meanwhile is saved by the next one. */
export class CursorKeeper {
  readonly #store: CursorStore;
  #wanted: string | null = null;
  #saved: string | null = null;
  #saving: Promise<void> | null = null;
  #failure: FirehoseError | null = null;

  constructor(store: CursorStore) {
    this.#store = store;
  }

  async load(): Promise<string | null> {
    try {
      this.#saved = await this.#store.load();
      return this.#saved;
    } catch (cause) {
      throw new FirehoseError('cursor_store', 'the cursor cannot be read: fix or remove what the store holds', {
        cause,
      });
    }
  }

  /** Throws the failure of an earlier save. */
  keep(cursor: string): void {
    if (this.#failure !== null) throw this.#failure;
    this.#wanted = cursor;
    this.#saving ??= this.#saveAll().finally(() => (this.#saving = null));
  }

  /** Resolves once the last cursor is saved; rejects when that failed. */
  async flush(): Promise<void> {
    await this.#saving;
    if (this.#failure !== null) throw this.#failure;
  }

  async #saveAll(): Promise<void> {
    while (this.#wanted !== null && this.#wanted !== this.#saved && this.#failure === null) {
      const cursor = this.#wanted;
      try {
        await this.#store.save(cursor);
        this.#saved = cursor;
      } catch (cause) {
        this.#failure = new FirehoseError('cursor_store', 'the cursor cannot be saved', { cause });
      }
    }
  }
}
