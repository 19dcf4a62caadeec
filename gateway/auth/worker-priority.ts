import { readdirSync, readFileSync } from 'node:fs';
import { setPriority } from 'node:os';

const WORKER = 'libuv-worker';
/** Half way to the least: a tenth of the main thread's share of a core that both want. */
export const WORKER_PRIORITY = 10;

/**
 * Lets the main thread go before libuv's workers. A hash takes a core for 24 ms; where cores are few, the kernel would
 * share them evenly, and events would wait for logins. What else the workers do (files, names) is in no hurry either.
 * Linux alone gives threads a priority of their own (sched(7), setpriority(2)); elsewhere nothing happens. The workers
 * exist from the first work on that they are given.
 */
export function lowerWorkers(): void {
  if (process.platform !== 'linux') return;
  for (const thread of workers()) {
    try {
      setPriority(thread, WORKER_PRIORITY);
    } catch {
      // A sandbox may forbid it: logins are then as dear to events as they were.
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
    return ''; // It has ended.
  }
}
