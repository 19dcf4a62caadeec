/** An event is published at most this long before its time, so that ten batches a second carry every rate. */
const AHEAD_MS = 100;

/** Events that are to be published `elapsedMs` after the begin, at `rate` a second: below ten a second each by itself. */
export function dueBy(elapsedMs: number, rate: number): number {
  return Math.floor((elapsedMs * rate) / 1_000 + Math.max(1, (AHEAD_MS * rate) / 1_000));
}

/** When the next event is due after `done` of them, in milliseconds after the begin. */
export function nextDueMs(done: number, rate: number): number {
  return (done / rate) * 1_000;
}
