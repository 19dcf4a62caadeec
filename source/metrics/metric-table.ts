import { counter, gauge, histogram, type MetricTable } from '../../runtime/telemetry/metric-table.ts';

const LAG_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900];
const RESYNC_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30];
/** `<namespace>/<name>` of the source, and the name of the endpoint in its spec. */
const SWITCH = ['source', 'switch'] as const;

/** Every metric of a source, as scraped. Metrics of switches are exposed once a switch is configured. */
export const SOURCE_METRICS = {
  firehose_ingest_events_total: counter('Events taken in', 'source', 'outcome', 'reason'),
  firehose_redis_client_state: gauge('1 while a connection to Redis is ready', 'role'),
  firehose_redis_errors_total: counter('Outages of Redis', 'role', 'code'),
  firehose_process_resident_memory_bytes: gauge('Memory of the process'),

  firehose_source_up: gauge('1 while this replica listens to the switch', ...SWITCH),
  firehose_source_leading: gauge('1 while this replica publishes the events of the switch', ...SWITCH),
  firehose_source_connects_total: counter('Attempts to connect to a switch that have ended', ...SWITCH, 'outcome'),
  firehose_source_events_total: counter(
    'Events that a switch sent, on every replica that listens',
    ...SWITCH,
    'outcome',
    'reason',
  ),
  firehose_source_lag_seconds: histogram("From the switch's time of an event to its append", LAG_SECONDS, ...SWITCH),
  firehose_source_backlog_events: gauge('Events that the log does not have yet', ...SWITCH),
  firehose_source_backlog_limit_events: gauge('Of these, how many can be held; then some are lost', ...SWITCH),
  firehose_source_ring_bytes: gauge('Memory of what a source keeps because the log may not have it', 'source'),
  firehose_source_kept_events: gauge('Events in memory that the log may not have', ...SWITCH),
  firehose_source_live_legs: gauge('Legs that have begun and not ended', ...SWITCH),
  firehose_source_synthetic_total: counter('Events that the switch did not send itself', ...SWITCH, 'name'),
  firehose_source_unattributed_total: counter('Events without an account, which reach nobody', ...SWITCH),
  firehose_source_overflowed_total: counter('Events given up because the log was away for too long', ...SWITCH),
  firehose_source_gaps_total: counter('Times in which no replica listened', ...SWITCH, 'reason'),
  firehose_source_gap_seconds_total: counter('How long these were in all', ...SWITCH, 'reason'),
  firehose_source_resync_seconds: histogram(
    'From a subscription until the legs of the switch are known',
    RESYNC_SECONDS,
    ...SWITCH,
  ),
} as const satisfies MetricTable;
