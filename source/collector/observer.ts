import type { AppendOutcome } from '../../event-log/event-log.ts';
import type { SourceGap } from '../../protocol/source-gap.ts';
import type { MappedEvent } from '../mapper.ts';
import type { SwitchReason } from '../switch.ts';

/**
 * Business events of a collector, to be counted. No name or reason contains data of a call, an account or a credential.
 */
export interface CollectorObserver {
  /** An attempt to connect has ended: it listens now, or `outcome` says why not. */
  connectEnded(endpoint: string, outcome: 'Live' | SwitchReason): void;
  /** A message of the switch was mapped; called on every replica. `reason` is empty for a forwarded one. */
  eventRead(endpoint: string, outcome: 'forwarded' | 'dropped' | 'malformed', reason: string): void;
  /** An append has ended; called only on the leading replica. `lagMs`: from the switch's time to now. */
  eventAppended(endpoint: string, event: MappedEvent, outcome: AppendOutcome['outcome'], lagMs: number): void;
  gapTold(endpoint: string, gap: SourceGap): void;
  /** Duration from the subscription until the listing was adopted. */
  resynced(endpoint: string, milliseconds: number): void;
  /** Events were given up because the log was away for too long. */
  overflowed(endpoint: string, events: number): void;
}

/** State of one endpoint, read at a scrape. */
export interface EndpointFigures {
  readonly endpoint: string;
  readonly isLive: boolean;
  readonly isLeading: boolean;
  /** It publishes the endpoint's events, or could do so now without a gap: another replica may stop. */
  readonly isInStep: boolean;
  /** Size of what this replica keeps because the log is not known to have it. */
  readonly kept: number;
  /** Events of endpoints that this replica leads and has not appended. */
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
