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

/**
 * Starts at most `perTurn` of what waits in each turn of the event loop, in order. For work whose cost falls after the
 * start, as that of a TLS handshake does.
 */
export function createStarts(perTurn: number): (start: () => void) => void {
  let waiting: (() => void)[] = [];
  const turn = () => {
    const now = waiting.slice(0, perTurn);
    waiting = waiting.slice(perTurn);
    if (waiting.length > 0) setImmediate(turn);
    for (const start of now) start();
  };
  return (start) => {
    waiting.push(start);
    if (waiting.length === 1) setImmediate(turn);
  };
}
