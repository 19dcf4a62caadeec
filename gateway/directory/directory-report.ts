import type { Heartbeat } from '../../protocol/heartbeat.ts';
import type { DirectoryStatus } from './live-directory.ts';

/** For readiness. A directory that is away or faulty leaves the replica ready: it serves the last good one. */
export function directoryDetail({ loadedAt, faults, confirmedAt, fault }: DirectoryStatus): string {
  const since = `in force since ${new Date(loadedAt).toISOString()}`;
  if (confirmedAt === null) {
    return fault === null ? since : `${since}; the file has ${faults} faults since then, see the log`;
  }
  if (fault === null) return since;
  return `${since}; stale: its server last confirmed it at ${new Date(confirmedAt).toISOString()} (${fault}), see the log`;
}

/** For the heartbeat; nothing for a file. */
export function directoryReport({ confirmedAt, fault }: DirectoryStatus): Pick<Heartbeat, 'directory'> {
  return confirmedAt === null ? {} : { directory: { confirmedAt, fault } };
}
