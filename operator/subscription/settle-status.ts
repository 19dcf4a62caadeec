import { isDeepStrictEqual } from 'node:util';

/** Numbers that change by themselves are written at most this often. */
const NUMBERS_EVERY_MS = 30_000;
/** And only when they changed by more than this share, or to or from zero: metrics have the exact ones. */
const MATERIAL_SHARE = 0.1;

/** Fields that change by themselves and do not affect the state. */
const MOVING: ReadonlySet<string> = new Set([
  'connections',
  'length',
  'bytes',
  'lag',
  'lagExact',
  'pending',
  'consumers',
  'deadLettered',
  'lost',
  'oldestEntryTime',
  'oldestPendingTime',
]);

/** The status to write, or null when the written one has the same meaning. Pure. */
export function settleStatus<Status extends object>(
  before: Status,
  now: Status,
  options: { readonly sinceWrittenMs: number },
): Status | null {
  if (!isDeepStrictEqual(standing(before), standing(now))) return now;
  if (options.sinceWrittenMs < NUMBERS_EVERY_MS) return null;
  return isMaterial(before, now) ? now : null;
}

/** The status without changing numbers. */
function standing(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(standing);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(([key]) => !MOVING.has(key));
  return Object.fromEntries(kept.map(([key, item]) => [key, standing(item)]));
}

function isMaterial(before: unknown, now: unknown): boolean {
  if (typeof now === 'number') {
    const was = typeof before === 'number' ? before : 0;
    if ((was === 0) !== (now === 0)) return true;
    return Math.abs(now - was) > Math.abs(was) * MATERIAL_SHARE;
  }
  if (typeof now === 'boolean') return before !== now;
  if (typeof now !== 'object' || now === null) return false;
  const known = (before ?? {}) as Record<string, unknown>;
  // A change of a time alone is not written; times are written with the numbers beside them.
  return Object.entries(now).some(([key, item]) => isMaterial(known[key], item));
}
