import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface UntilOptions<T> {
  /** Whether the seen value is the wanted one. Default: it is neither null nor undefined nor false. */
  readonly holds?: (seen: Awaited<T>) => boolean;
  /** Default 90,000 ms: below the runner's own limit for a test, which names nothing. */
  readonly limitMs?: number;
}

/** The type of a value after a successful wait. */
export type Found<T> = Exclude<Awaited<T>, null | undefined | false>;

const LIMIT_MS = 90_000;
/** The first checks follow each other without a timer: most conditions hold within a few turns of the event loop. */
const EAGER_MS = 10;
const PAUSE_MS = 25;
const SHOWN = 500;

/**
 * Checks until the value holds, and returns it. A check that throws counts as one that does not hold yet. Rejects at
 * the limit with the awaited condition and the last value or error.
 */
export async function until<T>(what: string, look: () => T, options: UntilOptions<T> = {}): Promise<Found<T>> {
  const { holds = isThere, limitMs = LIMIT_MS } = options;
  const start = performance.now();
  for (;;) {
    let last: unknown;
    try {
      const seen = await look();
      if (holds(seen)) return seen as Found<T>;
      last = seen;
    } catch (error) {
      last = error;
    }
    const waited = performance.now() - start;
    if (waited > limitMs) throw new WaitedInVain(what, limitMs, last);
    await (waited < EAGER_MS ? nextTurn() : delay(PAUSE_MS));
  }
}

/** `cause` is the last error, if the last check threw one. */
export class WaitedInVain extends Error {
  override readonly name = 'WaitedInVain';
  readonly code = 'waited_in_vain';

  constructor(what: string, limitMs: number, last: unknown) {
    const shown = inspect(last, { depth: 3, breakLength: Infinity }).slice(0, SHOWN);
    super(`waited ${limitMs} ms for: ${what}; last seen: ${shown}`, last instanceof Error ? { cause: last } : {});
  }
}

function isThere(seen: unknown): boolean {
  return seen !== null && seen !== undefined && seen !== false;
}
