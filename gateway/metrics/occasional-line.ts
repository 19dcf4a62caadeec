export interface OccasionalLineOptions<K extends string, D> {
  /** Writes what happened `count` times since the last line; `last` is the newest occurrence. */
  readonly write: (kind: K, last: D, count: number) => void;
  /** Shortest time between two lines of a kind. */
  readonly everyMs?: number;
}

const EVERY_MS = 10_000;

/**
 * One log line for events that unauthenticated clients can cause as often as they like: the first of a kind is written
 * at once, later ones are counted and written together. Kinds are a closed set, so there is at most one timer for each.
 */
export function createOccasionalLine<K extends string, D>({
  write,
  everyMs = EVERY_MS,
}: OccasionalLineOptions<K, D>): (kind: K, detail: D) => void {
  const waiting = new Map<K, { count: number; last: D | null }>();
  const wait = (kind: K) => {
    const state = { count: 0, last: null as D | null };
    waiting.set(kind, state);
    setTimeout(() => {
      waiting.delete(kind);
      if (state.last === null) return;
      write(kind, state.last, state.count);
      wait(kind);
    }, everyMs).unref();
  };
  return (kind, detail) => {
    const state = waiting.get(kind);
    if (state === undefined) {
      write(kind, detail, 1);
      wait(kind);
    } else {
      state.count += 1;
      state.last = detail;
    }
  };
}
