/** A value that changes while the process runs. Readers that keep a copy are notified of each change. */
export interface Live<T> {
  /** The value in force now. */
  readonly current: T;
  /** Calls `listener` after each change with the new value. Returns a function that unsubscribes it. */
  onChange(listener: (value: T) => void): () => void;
}

/** A live value whose owner sets it. */
export interface LiveValue<T> extends Live<T> {
  set(value: T): void;
}

export function createLive<T>(initial: T): LiveValue<T> {
  const listeners = new Set<(value: T) => void>();
  let current = initial;
  return {
    get current() {
      return current;
    },
    set(value) {
      current = value;
      for (const listener of listeners) listener(value);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
