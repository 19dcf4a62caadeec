import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { CORES, isPinned } from './processes.ts';
import { median } from './ratios.ts';

/**
 * Measures the distance between the cores of the server and of the load. A host moves the cores of a virtual machine.
 * When the two share no cache, data that one writes and the other reads costs more than twice as much: the same work
 * took 0.28 and 0.64 us, seconds apart, with nothing else running.
 */
export interface CoreDistance {
  /** Nanoseconds for a cache line to the other core and back, before the run; NaN when unknown. */
  readonly usualNs: number;
  /** Upper bound of this distance. */
  isUsual(): Promise<boolean>;
  /** Waits until the distance is as usual, for a few seconds at most. */
  settle(): Promise<void>;
}

/** Distances below this cost the same; a core that was moved away is twice as far. */
const SAME = 1.6;
const PROBES = 40;
const PROBE_EVERY_MS = 100;
const LONGEST_WAIT_MS = 5_000;
/** Takes some milliseconds, longer when another process has one of the cores. */
const PROBE_LIMIT_MS = 10_000;

/** Whether a core is further away than usual. */
export function isFar(ns: number, usualNs: number): boolean {
  return ns > usualNs * SAME;
}

/** `program` is `native/distance.c`. Without separate cores there is no distance. */
export async function openCoreDistance(program: string): Promise<CoreDistance> {
  const run = promisify(execFile);
  const probe = async () => {
    const rounds = [];
    for (let round = 0; round < 3; round += 1) {
      rounds.push(Number((await run(program, [CORES.server, CORES.load], { timeout: PROBE_LIMIT_MS })).stdout));
    }
    return median(rounds, 'lower');
  };
  const probes: number[] = [];
  for (let at = 0; isPinned() && at < PROBES; at += 1) {
    probes.push(await probe());
    await delay(PROBE_EVERY_MS);
  }
  // A run may begin while they are far apart: a quarter of the probes suffices to detect that.
  const usualNs = probes.toSorted((a, b) => a - b)[PROBES / 4] ?? Number.NaN;
  const isUsual = async () => !isPinned() || !isFar(await probe(), usualNs);
  return {
    usualNs,
    isUsual,
    async settle() {
      const deadline = performance.now() + LONGEST_WAIT_MS;
      while (performance.now() < deadline && !(await isUsual())) await delay(PROBE_EVERY_MS);
    },
  };
}
