import { setTimeout as delay } from 'node:timers/promises';
import { about, type Finding } from '../../protocol/finding.ts';

/** Limit for one connection, or one answer. */
export const PROBE_MS = 5_000;
/** Limit for all of one check. */
const CHECK_MS = 30_000;

/** A check that neither throws nor waits without end: an unexpected error is a finding, and so is a timeout. */
export async function bounded(
  check: string,
  look: () => Promise<readonly Finding[]>,
  limitMs = CHECK_MS,
): Promise<readonly Finding[]> {
  const settled = new AbortController();
  const tooLate = delay(limitMs, [notInTime(check, limitMs)], { signal: settled.signal });
  // It rejects when it is aborted below, after the race.
  tooLate.catch(() => undefined);
  try {
    return await Promise.race([look(), tooLate]);
  } catch (error) {
    // Its text may contain checked data.
    const name = error instanceof Error ? error.name : 'unknown';
    return [
      about(check).fail(`the check itself failed (${name})`, 'report this, with the version and the other lines'),
    ];
  } finally {
    settled.abort();
  }
}

function notInTime(check: string, limitMs: number): Finding {
  return about(check).fail(
    `did not end within ${limitMs / 1_000} s`,
    'something accepts connections and does not answer: look at the network between here and there',
  );
}
