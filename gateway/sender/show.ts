import type { DisabledReason } from '../../protocol/webhook-state.ts';
import type { Attempt } from './attempts.ts';
import type { ReplayReport } from './replay.ts';
import type { HeldBack, Sender } from './sender.ts';

/**
 * A sender as administrators see it. Times are RFC 3339, durations milliseconds. More than eight members: a report.
 */
export interface ShownSender {
  readonly group: string;
  readonly account: string;
  /** Of the destination, without what may contain a credential. */
  readonly host: string;
  readonly state: 'sending' | 'paused' | 'probing' | 'held_back';
  /** Why it is held back; null while it is not. */
  readonly held_back: HeldBack | null;
  /** Why and since when it is off; null while it is on. */
  readonly off: { readonly reason: DisabledReason; readonly since: string } | null;
  readonly failing_since: string | null;
  /** What failed last, such as TIMEOUT or HTTP_503; null while nothing fails. */
  readonly failing_cause: string | null;
  readonly succeeded_at: string | null;
  /** Pauses since the last success, on this replica. */
  readonly failures: number;
  readonly in_flight: number;
  /** On this replica: the running one or the last one; null before the first. */
  readonly replay: ReplayReport | null;
  /** Events that the log no longer had when they were due, on all replicas. */
  readonly lost: number;
  /** Passed gaps of sources, on this replica. */
  readonly source_gaps: number;
  /** The last requests or messages of this replica, the newest first. */
  readonly attempts: readonly (Omit<Attempt, 'at'> & { readonly at: string })[];
}

/** Pure except for what it reads from the sender. */
export function show({
  name,
  account,
  host,
  state,
  endpoint,
  heldBack,
  attempts,
  counters,
  replays,
}: Sender): ShownSender {
  const { disabled = null, failingSince = null, failingCause = null, succeededAt = null, lost = 0 } = state ?? {};
  return {
    group: name,
    account,
    host,
    state: heldBack === null ? endpoint.phase : 'held_back',
    held_back: heldBack,
    off: disabled && { reason: disabled.reason, since: timeOf(disabled.at) },
    failing_since: failingSince === null ? null : timeOf(failingSince),
    failing_cause: failingCause,
    succeeded_at: succeededAt === null ? null : timeOf(succeededAt),
    failures: endpoint.failures,
    in_flight: endpoint.inFlight,
    replay: replays.report,
    lost,
    source_gaps: counters.sourceGaps,
    attempts: attempts.last.map(({ at, ...rest }) => ({ at: timeOf(at), ...rest })),
  };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
