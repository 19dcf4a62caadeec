import type { AppendOutcome } from '../../event-log/event-log.ts';
import type { SourceGap } from '../../protocol/source-gap.ts';
import type { MappedEvent } from '../mapper.ts';
import type { SwitchReason } from '../switch.ts';

/** What happens in a collector, to be counted. Nothing of a call, an account or a credential is in a name or a reason. */
export interface CollectorObserver {
  /** An attempt to connect has ended: it listens now, or why not. */
  connectEnded(endpoint: string, outcome: 'Live' | SwitchReason): void;
  /** What the switch said was mapped; on every replica. `reason` is empty for what is forwarded. */
  eventRead(endpoint: string, outcome: 'forwarded' | 'dropped' | 'malformed', reason: string): void;
  /** An append has ended; only on the replica that leads. `lagMs`: from the switch's time to now. */
  eventAppended(endpoint: string, event: MappedEvent, outcome: AppendOutcome['outcome'], lagMs: number): void;
  gapTold(endpoint: string, gap: SourceGap): void;
  /** From the subscription until the listing was adopted. */
  resynced(endpoint: string, milliseconds: number): void;
  /** Events were given up because the log is away for too long. */
  overflowed(endpoint: string, events: number): void;
}

/** One endpoint, read at a scrape. */
export interface EndpointFigures {
  readonly endpoint: string;
  readonly isLive: boolean;
  readonly isLeading: boolean;
  /** It publishes the endpoint's events, or could do so now without a gap: another replica may stop. */
  readonly isInStep: boolean;
  /** What this replica keeps because the log is not known to have it. */
  readonly kept: number;
  /** What this replica leads and has not appended. */
  readonly backlog: number;
  readonly liveLegs: number;
}

export const silentObserver: CollectorObserver = {
  connectEnded: () => undefined,
  eventRead: () => undefined,
  eventAppended: () => undefined,
  gapTold: () => undefined,
  resynced: () => undefined,
  overflowed: () => undefined,
};
