import { setTimeout as delay } from 'node:timers/promises';

/** Asks again until it holds; the test's own time limit bounds it. */
export async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await delay(50);
}
