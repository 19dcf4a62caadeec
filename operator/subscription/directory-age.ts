import type { LiveReplica } from '../../event-log/provisioning/replicas.ts';
import { good, type Finding } from './findings.ts';

/** How long a directory may be away without a warning. */
const PATIENCE_MS = 10 * 60_000;

const REASONS: Readonly<Record<string, string>> = {
  directory_shrunk: 'DirectoryShrunk',
  directory_invalid: 'DirectoryInvalid',
  directory_too_large: 'DirectoryInvalid',
  directory_format: 'DirectoryInvalid',
};

/**
 * Whether gateways serve an outdated directory: its server has confirmed none for ten minutes, or serves one that the
 * gateways refuse. Null when it is current, a file, or unknown. Pure.
 */
export function directoryAge(replicas: readonly LiveReplica[] | null, now: number): Finding | null {
  const stale = (replicas ?? []).flatMap(({ directory }) => (directory?.fault ? [directory] : []));
  const [oldest] = stale.toSorted((one, other) => one.confirmedAt - other.confirmedAt);
  if (oldest?.fault === undefined || oldest.fault === null) return null;
  const reason = REASONS[oldest.fault] ?? 'DirectoryAway';
  if (reason === 'DirectoryAway' && now - oldest.confirmedAt < PATIENCE_MS) return null;
  const since = new Date(oldest.confirmedAt).toISOString().slice(0, 16);
  const message = `gateways serve the directory of ${since}Z (${oldest.fault}): look at their logs and at auth.directory.http`;
  return good(reason, message);
}
