import { SOURCE_GAP, SOURCE_GAP_REASONS, type SourceGap } from '../../protocol/source-gap.ts';
import type { Instruments } from '../../runtime/telemetry/instruments.ts';
import type { MappedEvent } from '../mapper.ts';
import type { SOURCE_METRICS } from './metric-table.ts';

export type SourceInstruments = Instruments<typeof SOURCE_METRICS>;

/** One switch of a source, read at a scrape. */
export interface SwitchFigures {
  readonly endpoint: string;
  readonly isLive: boolean;
  readonly isLeading: boolean;
  /** Events in memory that the log is not known to have. */
  readonly kept: number;
  /** Events that wait for the log, and how many may wait before some are lost. */
  readonly backlog: number;
  readonly backlogLimit: number;
  readonly liveLegs: number;
}

/** One source, read at a scrape. */
export interface SourceFigures {
  /** Memory used because the log is not known to have the events. */
  readonly ringBytes: number;
  readonly switches: readonly SwitchFigures[];
}

/** Counts business events of the switches of one source. */
export interface SwitchMetrics {
  /** An attempt to connect has ended: `Live`, or why not. */
  connectEnded(endpoint: string, outcome: string): void;
  /** A message of the switch was mapped; on every replica. `reason` is empty for a forwarded one. */
  eventRead(endpoint: string, outcome: 'forwarded' | 'dropped' | 'malformed', reason: string): void;
  /** An append has ended; only on the leading replica. `lagMs`: from the switch's time to now. */
  eventAppended(
    endpoint: string,
    event: Pick<MappedEvent, 'name' | 'account' | 'synthetic'>,
    outcome: string,
    lagMs: number,
  ): void;
  /** The log has the gap. */
  gapTold(endpoint: string, gap: Pick<SourceGap, 'reason' | 'from' | 'to'>): void;
  /** Duration from the subscription until the listing was adopted. */
  resynced(endpoint: string, milliseconds: number): void;
  /** Events were given up because the log was away for too long. */
  overflowed(endpoint: string, events: number): void;
}

/** Counts for one source. `kind` labels its input: kazoo, freeswitch, asterisk. */
export function createSwitchMetrics(
  instruments: SourceInstruments,
  { source, kind }: { readonly source: string; readonly kind: string },
): SwitchMetrics {
  const ingest = instruments.counter('firehose_ingest_events_total');
  const connects = instruments.counter('firehose_source_connects_total');
  const events = instruments.counter('firehose_source_events_total');
  const lag = instruments.histogram('firehose_source_lag_seconds');
  const synthetic = instruments.counter('firehose_source_synthetic_total');
  const unattributed = instruments.counter('firehose_source_unattributed_total');
  const overflowed = instruments.counter('firehose_source_overflowed_total');
  const gaps = instruments.counter('firehose_source_gaps_total');
  const gapSeconds = instruments.counter('firehose_source_gap_seconds_total');
  const resync = instruments.histogram('firehose_source_resync_seconds');
  return {
    connectEnded: (endpoint, outcome) => connects.add(1, { source, switch: endpoint, outcome }),
    eventRead: (endpoint, outcome, reason) => events.add(1, { source, switch: endpoint, outcome, reason }),
    eventAppended(endpoint, event, outcome, lagMs) {
      ingest.add(1, { source: kind, outcome, reason: '' });
      if (outcome !== 'accepted' || event.name === SOURCE_GAP) return;
      if (event.account === '') unattributed.add(1, { source, switch: endpoint });
      if (event.synthetic !== null) synthetic.add(1, { source, switch: endpoint, name: event.name });
      else lag.record(Math.max(0, lagMs) / 1_000, { source, switch: endpoint });
    },
    gapTold(endpoint, { reason, from, to }) {
      gaps.add(1, { source, switch: endpoint, reason });
      gapSeconds.add(Math.max(0, to - from) / 1_000, { source, switch: endpoint, reason });
    },
    resynced: (endpoint, milliseconds) => resync.record(milliseconds / 1_000, { source, switch: endpoint }),
    overflowed: (endpoint, count) => overflowed.add(count, { source, switch: endpoint }),
  };
}

/**
 * Reads the switches at each scrape. Series that alerts use are 0 from the first scrape on, so that the first event is
 * an increase.
 */
export function observeSwitches(
  instruments: SourceInstruments,
  { source, figures }: { readonly source: string; readonly figures: () => SourceFigures },
): void {
  const gauges = {
    firehose_source_leading: ({ isLeading }) => (isLeading ? 1 : 0),
    firehose_source_backlog_events: ({ backlog }) => backlog,
    firehose_source_backlog_limit_events: ({ backlogLimit }) => backlogLimit,
    firehose_source_kept_events: ({ kept }) => kept,
    firehose_source_live_legs: ({ liveLegs }) => liveLegs,
  } as const satisfies Readonly<Record<string, (one: SwitchFigures) => number>>;
  for (const [name, of] of Object.entries(gauges)) {
    instruments.observe(name as keyof typeof gauges, (observe) => {
      for (const one of figures().switches) observe(of(one), { source, switch: one.endpoint });
    });
  }
  instruments.observe('firehose_source_ring_bytes', (observe) => observe(figures().ringBytes, { source }));
  const begun = new Set<string>();
  instruments.observe('firehose_source_up', (observe) => {
    for (const { endpoint, isLive } of figures().switches) {
      observe(isLive ? 1 : 0, { source, switch: endpoint });
      if (begun.has(endpoint)) continue;
      begun.add(endpoint);
      startAtZero(instruments, { source, switch: endpoint });
    }
  });
}

function startAtZero(instruments: SourceInstruments, labels: { readonly source: string; readonly switch: string }) {
  instruments.counter('firehose_source_unattributed_total').add(0, labels);
  instruments.counter('firehose_source_overflowed_total').add(0, labels);
  for (const reason of SOURCE_GAP_REASONS) {
    instruments.counter('firehose_source_gaps_total').add(0, { ...labels, reason });
    instruments.counter('firehose_source_gap_seconds_total').add(0, { ...labels, reason });
  }
}
