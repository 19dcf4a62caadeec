/**
 * Detects a restart of a switch by the Core-UUID of its events. Several switches may write to one exchange. Two
 * switches with the same name cannot be told apart: once both were seen, no restart is reported for either.
 */
export interface Lives {
  /** Returns whether this is the first event of a new life of that switch. */
  hasRestarted(switchName: string, core: string): boolean;
}

const MAX_SWITCHES = 1_000;
const MAX_CORES = 16;

export function createLives(): Lives {
  const cores = new Map<string, string[]>();
  return {
    hasRestarted(switchName, core) {
      if (core === '') return false;
      const known = cores.get(switchName);
      if (known === undefined) {
        if (cores.size < MAX_SWITCHES) cores.set(switchName, [core]);
        return false;
      }
      if (known.includes(core)) {
        // An event of an earlier life comes from another switch of the same name.
        if (known.at(-1) !== core) cores.set(switchName, [SHARED]);
        return false;
      }
      if (known[0] === SHARED) return false;
      known.push(core);
      if (known.length > MAX_CORES) known.shift();
      return true;
    },
  };
}

/** No Core-UUID. */
const SHARED = '*';
