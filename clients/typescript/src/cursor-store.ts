import { FirehoseError } from './errors.ts';
import { orAborted } from './waits.ts';

/** Limit for one save: a store that hangs would let the cursor fall behind without bound. */
const SAVE_LIMIT_MS = 30_000;
/** Limit for the last save, once the caller has ended the stream (L11). */
const LAST_SAVE_MS = 1_000;

/**
 * Stores the cursor of the last handled event. `save` must be atomic: the store has the new cursor, or the previous
 * one.
 */
export interface CursorStore {
  /**
   * Null when there is none yet. Rejects when it cannot be read: the stream then fails, and never begins at the
   * present.
   */
  load(): Promise<string | null>;
  /** Within 30 s. */
  save(cursor: string): Promise<void>;
}

/**
 * Keeps the cursor of the last handled event. One save at a time; the next save covers everything that is handled in
 * the meantime. Without a store it does nothing: the session keeps its place within the process.
 */
export class CursorKeeper {
  readonly #store: CursorStore | null;
  #wanted: string | null = null;
  #saved: string | null = null;
  #saving: Promise<void> | null = null;
  #failure: FirehoseError | null = null;

  constructor(store: CursorStore | null) {
    this.#store = store;
  }

  /** Null when there is none, or when the signal is aborted before the store has answered. */
  async load(signal: AbortSignal): Promise<string | null> {
    if (this.#store === null) return null;
    try {
      const found: unknown = await orAborted(Promise.resolve(this.#store.load()), signal);
      if (typeof found !== 'string' && found !== null && found !== undefined) throw new TypeError('not a text');
      this.#saved = found ?? null;
      return this.#saved;
    } catch (cause) {
      if (signal.aborted) return null;
      throw new FirehoseError('cursor_store', 'the cursor cannot be read: fix or remove what the store holds', {
        cause,
      });
    }
  }

  /** Throws the failure of an earlier save. */
  keep(cursor: string): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#store === null) return;
    this.#wanted = cursor;
    this.#saving ??= this.#saveAll(this.#store).finally(() => (this.#saving = null));
  }

  /** Resolves once the last cursor is saved; rejects when that failed, or takes longer than a second. */
  async flush(): Promise<void> {
    if (this.#saving !== null) await within(this.#saving, LAST_SAVE_MS);
    if (this.#failure !== null) throw this.#failure;
  }

  async #saveAll(store: CursorStore): Promise<void> {
    while (this.#wanted !== null && this.#wanted !== this.#saved && this.#failure === null) {
      const cursor = this.#wanted;
      try {
        await within(Promise.resolve(store.save(cursor)), SAVE_LIMIT_MS);
        this.#saved = cursor;
      } catch (cause) {
        this.#failure = cause instanceof FirehoseError ? cause : unsaved({ cause });
      }
    }
  }
}

function within(saving: Promise<void>, milliseconds: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(unsaved({})), milliseconds);
    void saving.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function unsaved({ cause }: { cause?: unknown }): FirehoseError {
  const message = cause === undefined ? 'the cursor was not saved in time' : 'the cursor cannot be saved';
  return new FirehoseError('cursor_store', message, { cause });
}
