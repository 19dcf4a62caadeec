/** An event is published at most this long before its time, so that ten batches a second suffice for every rate. */
const AHEAD_MS = 100;

/** Number of events due `elapsedMs` after the start, at `rate` a second: below ten a second each by itself. */
export function dueBy(elapsedMs: number, rate: number): number {
  return Math.floor((elapsedMs * rate) / 1_000 + Math.max(1, (AHEAD_MS * rate) / 1_000));
}

/** When the next event is due after `done` of them, in milliseconds after the start. */
export function nextDueMs(done: number, rate: number): number {
  return (done / rate) * 1_000;
}
