import { readdirSync, readFileSync } from 'node:fs';
import type { Logger } from '../../runtime/logging/logger.ts';

/** Descriptors that the public listener leaves to health, metrics, ingest, Redis and files. */
const RESERVED = 128;
/** At most a quarter of a small limit is reserved. */
const MOST_RESERVED_SHARE = 0.25;

/**
 * How many connections the public listener may have at once, so that a probe of the inner port always gets a
 * descriptor; null when the system does not report its limit. Warns when that is less than the allowed number of
 * sessions.
 */
export function connectionLimit(maxSessions: number, logger: Logger): number | null {
  const descriptors = descriptorLimit();
  if (descriptors === null) return null;
  const most = publicShare(descriptors.most, descriptors.open);
  if (most < maxSessions) {
    logger.warn(
      { descriptors: descriptors.most, connections: most, max_per_replica: maxSessions },
      'the limit on open files allows fewer connections than maxPerReplica: raise it (ulimit -n)',
    );
  }
  return most;
}

/** Pure. */
export function publicShare(most: number, open: number): number {
  const reserved = Math.min(RESERVED, Math.ceil(most * MOST_RESERVED_SHARE));
  return Math.max(1, most - open - reserved);
}

function descriptorLimit(): { most: number; open: number } | null {
  try {
    const line = /^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return line === null ? null : { most: Number(line[1]), open: readdirSync('/proc/self/fd').length };
  } catch {
    return null;
  }
}
