import { CallsUnavailable, type Snapshot } from './snapshot.ts';

/** One read serves all who ask for the same within this time. */
const SHARED_MS = 500;
/** Reads at a time, and how long others wait for their turn. */
const AT_ONCE = 4;
const LONGEST_WAIT_MS = 5_000;

export interface Looks {
  /** `key` stands for what is read; null is read for this caller alone. Rejects with CallsUnavailable. */
  take(key: string | null, read: () => Promise<Snapshot>): Promise<Snapshot>;
}

/** Bounds what reading the table costs when all clients come at once. `now`: milliseconds that never go back. */
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
      // A read that failed serves only those that waited for it; one that succeeded is not held when nobody asks any more.
      snapshot.then(() => setTimeout(forget, SHARED_MS).unref(), forget);
      return snapshot;
    },
  };
}

/** Until it is called, or the wait is too long. */
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
