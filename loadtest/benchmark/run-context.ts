import type { Installed, PeerName } from './peers/install.ts';
import { sampleRow } from './report.ts';
import { cpuPerDelivery, faultsOf, type Sample } from './sample.ts';
import type { Bench } from './servers.ts';
import type { Mode } from './mode.ts';

/** The parts of one run, and its findings so far. */
export interface RunContext {
  readonly bench: Bench;
  readonly mode: Mode;
  /** Those that can be started here. */
  readonly peers: ReadonlyMap<PeerName, Extract<Installed, { ok: true }>>;
  readonly rows: string[][];
  readonly faults: string[];
}

/** Keeps a sample for the table, and its faults for the verdict. */
export function note<T extends Sample>({ rows, faults }: RunContext, sample: T, paced = false): T {
  rows.push(sampleRow(sample, paced));
  faults.push(...faultsOf(sample).map((fault) => `${sample.name}: ${fault}`));
  progress(`  ${sample.name}: ${cpuPerDelivery(sample).toFixed(3)} us of CPU a delivery`);
  return sample;
}

export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}
