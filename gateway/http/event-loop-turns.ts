/** A turn of the event loop gives requests no more than this before events are delivered again. */
const TURN_MS = 1;

/**
 * Runs requests in the order in which they came, for about a millisecond in each turn of the event loop: a crowd of
 * requests then delays events by that much and no more.
 */
export function createTurns(now: () => number = () => performance.now()): (run: () => void) => void {
  let waiting: (() => void)[] = [];
  let isScheduled = false;
  const turn = () => {
    isScheduled = false;
    const start = now();
    let done = 0;
    for (const run of waiting) {
      run();
      done += 1;
      if (now() - start >= TURN_MS) break;
    }
    waiting = waiting.slice(done);
    if (waiting.length > 0) schedule();
  };
  const schedule = () => {
    if (isScheduled) return;
    isScheduled = true;
    setImmediate(turn);
  };
  return (run) => {
    waiting.push(run);
    schedule();
  };
}
