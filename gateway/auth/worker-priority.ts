import { readdirSync, readFileSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

const WORKER = 'libuv-worker';
/** Nice values below the main thread: a tenth of its share of a contended core. */
export const WORKERS_BELOW = 10;

/**
 * Lowers the priority of libuv's workers below the main thread's. A hash takes a core for 24 ms; with few cores the
 * kernel would share them evenly, and events would wait for logins. The workers' other work (files, names) is not
 * urgent. Only Linux has priorities of threads (sched(7), setpriority(2)); on other systems this does nothing. libuv
 * creates the workers with their first work.
 */
export function lowerWorkers(): void {
  if (process.platform !== 'linux') return;
  const priority = Math.min(constants.priority.PRIORITY_LOW, getPriority() + WORKERS_BELOW);
  for (const thread of workers()) {
    try {
      setPriority(thread, priority);
    } catch {
      // A sandbox may forbid it: hashing then competes with events.
    }
  }
}

/** Ids of this process's worker threads. */
export function workers(): number[] {
  return readdirSync('/proc/self/task')
    .filter((thread) => nameOf(thread) === WORKER)
    .map(Number);
}

function nameOf(thread: string): string {
  try {
    return readFileSync(`/proc/self/task/${thread}/comm`, 'utf8').trim();
  } catch {
    return ''; // The thread has ended.
  }
}
