import { counter, gauge, type MetricTable } from '../../runtime/telemetry/metric-table.ts';

/** Every metric of a source, as it is scraped. */
export const SOURCE_METRICS = {
  firehose_ingest_events_total: counter('Events taken in', 'source', 'outcome', 'reason'),
  firehose_redis_client_state: gauge('1 while a connection to Redis is ready', 'role'),
  firehose_redis_errors_total: counter('Outages of Redis', 'role', 'code'),
  firehose_process_resident_memory_bytes: gauge('Memory of the process'),
} as const satisfies MetricTable;
