import { CallsUnavailable, type Snapshot } from './snapshot.ts';

/** One read serves all callers that request the same within this time. */
const SHARED_MS = 500;
/** Number of concurrent reads, and how long others wait for their turn. */
const AT_ONCE = 4;
const LONGEST_WAIT_MS = 5_000;

export interface Looks {
  /** `key` identifies what is read; a null key is read for this caller alone. Rejects with CallsUnavailable. */
  take(key: string | null, read: () => Promise<Snapshot>): Promise<Snapshot>;
}

/** Bounds the cost of reading the table when all clients come at once. `now`: milliseconds of a monotonic clock. */
export function createLooks(now: () => number): Looks {
  const shared = new Map<string, { readonly at: number; readonly snapshot: Promise<Snapshot> }>();
  const waiting: (() => void)[] = [];
  let reading = 0;
  const inTurn = async (read: () => Promise<Snapshot>): Promise<Snapshot> => {
    if (reading >= AT_ONCE) await turn(waiting);
    reading += 1;
    try {
      return await read();
    } finally {
      reading -= 1;
      waiting.shift()?.();
    }
  };
  return {
    take(key, read) {
      if (key === null) return inTurn(read);
      const known = shared.get(key);
      if (known !== undefined && now() - known.at <= SHARED_MS) return known.snapshot;
      const snapshot = inTurn(read);
      const look = { at: now(), snapshot };
      shared.set(key, look);
      const forget = () => {
        if (shared.get(key) === look) shared.delete(key);
      };
      // A failed read serves only the callers that waited for it. The result of a successful one is released when no
      // caller needs it.
      snapshot.then(() => setTimeout(forget, SHARED_MS).unref(), forget);
      return snapshot;
    },
  };
}

/** Waits until it is called, or until the limit. */
function turn(waiting: (() => void)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const begin = () => {
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(() => {
      const at = waiting.indexOf(begin);
      if (at >= 0) waiting.splice(at, 1);
      reject(new CallsUnavailable('busy'));
    }, LONGEST_WAIT_MS);
    waiting.push(begin);
  });
}
