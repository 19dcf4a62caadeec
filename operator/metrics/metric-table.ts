import { counter, gauge, histogram, type MetricTable } from '../../runtime/telemetry/metric-table.ts';

const RECONCILE_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/**
 * Every metric of the operator. The names are those of controller-runtime, so that dashboards for other operators work.
 */
export const OPERATOR_METRICS = {
  controller_runtime_reconcile_total: counter('Passes', 'controller', 'result'),
  controller_runtime_reconcile_errors_total: counter('Passes that failed', 'controller'),
  controller_runtime_reconcile_time_seconds: histogram('Time a pass took', RECONCILE_SECONDS, 'controller'),
  workqueue_depth: gauge('Resources that wait for a worker', 'name'),
  workqueue_adds_total: counter('Resources added to the queue', 'name'),
  workqueue_retries_total: counter('Resources added again after a failure', 'name'),
  workqueue_queue_duration_seconds: histogram('Time a resource waited for a worker', RECONCILE_SECONDS, 'name'),
  leader_election_master_status: gauge('1 while this process is the leader', 'name'),
  rest_client_requests_total: counter('Answers of the API server', 'method', 'code'),
  firehose_watch_age_seconds: gauge('Time since the API server last sent something', 'resource'),
  firehose_subscription_condition: gauge('1 while the condition is True', 'namespace', 'name', 'type'),
  firehose_subscription_deletion_seconds: gauge('Time that a resource has been in deletion', 'namespace', 'name'),
  firehose_subscription_key_rotation_timestamp_seconds: gauge(
    'When the signing key is due to be rotated, Unix time',
    'namespace',
    'name',
  ),
  firehose_source_condition: gauge('1 while the condition of a source is True', 'namespace', 'name', 'type'),
  firehose_source_deletion_seconds: gauge('Time that a source has been in deletion', 'namespace', 'name'),
  firehose_process_resident_memory_bytes: gauge('Memory of the process'),
} as const satisfies MetricTable;
