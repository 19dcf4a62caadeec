/** I15, W3: the p99 of others moves by at most 10 %. */
const RATIO = 1.1;
/** An event's path crosses a few turns of the event loop, each of which may contain an attacker's handshake. */
const NOISE_MS = 5;
/** On a machine with other load: only a value far beyond both certainly belongs to the gateway. */
const SHARED = { ratio: 1.5, noiseMs: 15 };

/** The 99th percentile; 0 for no values. */
export function p99(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? 0;
}

/** The lower one of two in the middle; 0 for no values. Pure. */
export function median(...values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}

/** Whether a p99 lies beyond its control, by more than the noise of such a machine. Pure. */
export function isSlower(p99Ms: number, controlMs: number, isShared: boolean): boolean {
  const { ratio, noiseMs } = isShared ? SHARED : { ratio: RATIO, noiseMs: NOISE_MS };
  return p99Ms > Math.max(controlMs * ratio, controlMs + noiseMs);
}
