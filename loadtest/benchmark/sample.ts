import type { CpuTime } from './processes.ts';

/** The receiver's counts so far. Times in microseconds. */
export interface Mark {
  readonly timeUs: number;
  readonly frames: number;
  readonly bytes: number;
  readonly cpuUs: number;
  /** Frames of sampled connections, each parsed. */
  readonly sampled: number;
  readonly missing: number;
  readonly doubled: number;
  readonly inverted: number;
  readonly unreadable: number;
  readonly closed: number;
  readonly closeCode: number;
  readonly timed: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
}

/** How far the content of a server's frames can be checked. */
export type Content =
  /** Numbered without gaps, partition by partition. */
  | 'complete'
  /** Numbered, with gaps where an event was for no connection. */
  | 'ordered'
  /** Bytes without a meaning. */
  | 'none';

/** One measurement of one server. */
export interface Sample {
  readonly name: string;
  readonly connections: number;
  readonly filters: number;
  readonly content: Content;
  /** Of the window: frames that the receiver has read, not frames that were queued. */
  readonly deliveries: number;
  readonly bytes: number;
  readonly elapsedUs: number;
  readonly serverCpu: CpuTime;
  /** The server was ready to run, but another process had its core. */
  readonly waitedUs: number;
  /** The distance between its core and that of the load differed from usual (see core-distance.ts). */
  readonly hasMoved: boolean;
  readonly receiverCpuUs: number;
  readonly residentBytes: number;
  /** Of the whole run; null where the server makes its own events. */
  readonly offered: number | null;
  readonly end: Mark;
}

export const GENERATOR_LIMIT = 0.9;

export function cpuPerDelivery({ serverCpu, deliveries }: Sample): number {
  return (serverCpu.userUs + serverCpu.systemUs) / deliveries;
}

/** As received, with the headers of frames. */
export function bytesPerDelivery({ bytes, deliveries }: Sample): number {
  return bytes / deliveries;
}

/** Deliveries for each second of the server's CPU time: excludes idle time and waiting for the generator. */
export function deliveriesPerCpuSecond(sample: Sample): number {
  return 1e6 / cpuPerDelivery(sample);
}

export function receiverShare({ receiverCpuUs, elapsedUs }: Sample): number {
  return receiverCpuUs / elapsedUs;
}

const DISTURBED_LIMIT = 0.05;

/** Whether something else ran on the server's core, or the core was moved: its caches were not in their usual state. */
export function isDisturbed({ waitedUs, elapsedUs, hasMoved }: Pick<Sample, 'waitedUs' | 'elapsedUs' | 'hasMoved'>) {
  return hasMoved || waitedUs > elapsedUs * DISTURBED_LIMIT;
}

/** Why the figures of a sample do not count; empty when they count. */
export function faultsOf(sample: Sample): string[] {
  const { content, end, offered } = sample;
  const faults: string[] = [];
  if (sample.deliveries === 0) faults.push('nothing was delivered');
  if (end.closed > 0) faults.push(`${end.closed} connections were closed, the last with ${end.closeCode}`);
  if (offered !== null && end.frames !== offered) faults.push(`${end.frames} of ${offered} deliveries arrived`);
  if (content === 'none') return faults;
  if (end.sampled === 0) faults.push('no frame was looked into');
  if (end.unreadable > 0) faults.push(`${end.unreadable} frames were not events`);
  if (end.doubled > 0) faults.push(`${end.doubled} events came twice`);
  if (end.inverted > 0) faults.push(`${end.inverted} events came out of order`);
  if (content === 'complete' && end.missing > 0) faults.push(`${end.missing} events were left out`);
  return faults;
}
