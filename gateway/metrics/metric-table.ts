import { counter, gauge, histogram, type MetricTable } from '../../runtime/telemetry/metric-table.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const ENTRIES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/**
 * Every metric of a gateway, as scraped. Everything that is exposed is listed here, and everything listed here is
 * exposed.
 */
export const GATEWAY_METRICS = {
  firehose_connections: gauge('Open connections', 'contract'),
  firehose_sessions_closed_total: counter('Connections that ended, by close code', 'code'),
  firehose_http_answers_total: counter('HTTP answers of the public port, by status', 'status'),
  firehose_connection_mismatches_total: counter(
    'Connections of which client, proxy and this port disagree what they carry',
    'mismatch',
  ),
  firehose_connections_dropped_total: counter('Connections cut off for a limit before anything was read', 'limit'),
  firehose_logins_total: counter('Logins', 'outcome'),
  firehose_login_duration_seconds: histogram('Time a login took', SECONDS, 'outcome'),
  firehose_login_upstream_seconds: histogram('Time a server took to judge a login', SECONDS, 'backend', 'outcome'),
  firehose_handshakes_total: counter('Requests for a stream, by HTTP status', 'status'),
  firehose_quota_refusals_total: counter('Handshakes refused for a limit on connections', 'quota'),
  firehose_revocations_total: counter('Revocations asked for here', 'outcome'),
  firehose_revocations_in_force: gauge('Revocations that this replica knows'),

  firehose_events_read_total: counter('Entries read from the log', 'partition'),
  firehose_read_batch_events: histogram('Entries of a partition in one read', ENTRIES, 'partition'),
  firehose_events_unroutable_total: counter('Entries that reach nobody', 'outcome'),
  firehose_stream_ahead_seconds: gauge('How far the last entry id of a partition lies in the future', 'partition'),
  firehose_page_errors_total: counter('Pages of the log lost to a connection by an unexpected error'),
  firehose_deliveries_total: counter('Events written to connections'),
  firehose_delivered_bytes_total: counter('Bytes of events written to connections'),
  firehose_compression_saved_bytes_total: counter('Bytes that events written to connections had less than their texts'),
  firehose_compression_seconds_total: counter('Time spent on compressing events'),
  firehose_encodings: gauge('Forms of an event in use'),
  firehose_writes_total: counter('Writes to connections'),
  firehose_delivery_latency_seconds: histogram('Ingest to socket write, of the oldest entry of a read', SECONDS),
  firehose_behind_connections: gauge('Connections that pull because they are behind'),
  firehose_slow_consumer_closes_total: counter('Connections ended for being slow', 'policy'),
  firehose_gaps_total: counter('Losses that connections were told of', 'reason'),
  firehose_journal_entries_total: counter('Entries of the session journal, by whether they were kept', 'outcome'),
  firehose_source_gaps_read_total: counter(
    'Gaps of sources read from the log, as clients are notified of them',
    'reason',
  ),

  firehose_calls_behind_seconds: gauge('How far the tables of live calls that this replica keeps are behind the log'),
  firehose_calls_entries_total: counter('Entries that this replica took into the table of live calls'),
  firehose_calls_refused_writes_total: counter('Writes to the table that another replica was faster with'),
  firehose_calls_rebuilds_total: counter('Tables of a partition that were rebuilt from the oldest event'),
  firehose_calls_ends_total: counter('Legs that were given a synthetic end', 'reason'),
  firehose_calls_late_ends_total: counter('Real ends that producers sent of legs which had a synthetic one'),
  firehose_calls_refused_legs_total: counter('Legs left out of the table, as their account had too many'),
  firehose_calls_snapshots_total: counter('Snapshots of live calls that were asked for', 'outcome'),

  firehose_group_connections: gauge('Connections of a group here', 'group'),
  firehose_group_hung_connections: gauge('Connections of a group here that acknowledge nothing', 'group'),
  firehose_group_accounts: gauge('Accounts that have a group of this name', 'group'),
  firehose_group_partitions: gauge('Partitions that this replica reads for a group', 'group'),
  firehose_group_lag: gauge('Entries that a group has not read, over all replicas', 'group'),
  firehose_group_pending: gauge('Entries read for a group and not finished here', 'group'),
  firehose_group_oldest_pending_seconds: gauge(
    'Age of the oldest entry that was read and not finished, over all replicas',
    'group',
  ),
  firehose_group_deliveries_total: counter('Events written to connections of a group', 'group'),
  firehose_group_redeliveries_total: counter('Of these, not for the first time', 'group'),
  firehose_group_acknowledged_total: counter('Events that are done', 'group'),
  firehose_group_handed_back_total: counter('Events taken from a connection that hangs, to another one', 'group'),
  firehose_group_filtered_total: counter('Entries that grant or filters of the group exclude', 'group'),
  firehose_group_dead_letters_total: counter('Events given up', 'group'),
  firehose_group_poison_total: counter('Entries that break the format', 'group'),
  firehose_group_trimmed_total: counter('Entries that were trimmed before they were done', 'group'),
  firehose_group_leases_taken_total: counter('Partitions taken over', 'group'),
  firehose_group_leases_lost_total: counter('Partitions lost to another replica or to time', 'group'),

  firehose_webhook_requests_total: counter(
    'Requests to the receiver of a webhook, by what came of them',
    'group',
    'verdict',
  ),
  firehose_webhook_request_seconds_total: counter('Time that these requests took together', 'group'),
  firehose_webhook_in_flight: gauge('Requests to the receiver of a webhook that are under way', 'group'),
  firehose_webhook_paused: gauge('1 while this replica waits for the receiver of a webhook', 'group'),
  firehose_webhook_failing_seconds: gauge(
    'Time since the receiver of a webhook took an event last, while it fails',
    'group',
  ),
  firehose_webhook_off: gauge('1 while a webhook is switched off', 'group'),
  firehose_webhook_held_back: gauge('1 while a webhook has no secret or its account may have no events', 'group'),

  firehose_self_service_webhooks: gauge('Self-service webhooks, by their state on this replica', 'state'),
  firehose_self_service_failing: gauge(
    'Self-service webhooks that are on and whose receivers take nothing, on all replicas',
  ),
  firehose_self_service_lag: gauge(
    'Undelivered entries of the self-service webhook that is furthest behind, on all replicas',
  ),

  firehose_sink_messages_total: counter('Messages to the NATS of a group, by what came of them', 'group', 'verdict'),
  firehose_sink_message_seconds_total: counter('Time that these messages took together', 'group'),
  firehose_sink_in_flight: gauge('Messages that wait for their acknowledgement by NATS', 'group'),
  firehose_sink_paused: gauge('1 while this replica waits for the NATS of a group', 'group'),
  firehose_sink_failing_seconds: gauge('Time since the NATS of a group took an event last, while it fails', 'group'),
  firehose_sink_held_back: gauge('1 while a sink has no credentials or its account may have no events', 'group'),

  firehose_ingest_events_total: counter('Events taken in', 'source', 'outcome', 'reason'),
  firehose_redis_client_state: gauge('1 while a connection to Redis is ready', 'role'),
  firehose_redis_errors_total: counter('Outages of Redis', 'role', 'code'),

  firehose_directory_loaded_timestamp_seconds: gauge('When the directory in force was loaded, Unix time'),
  firehose_directory_faults: gauge('Faults of the directory: above 0, an older one is in force'),
  firehose_directory_age_seconds: gauge('Time since the server of the directory confirmed the one in force'),
  firehose_directory_accounts: gauge('Accounts of the directory in force'),
  firehose_directory_ambiguous_names: gauge('Names that several accounts have: no login finds an account by them'),
  firehose_directory_refreshes_total: counter('Questions for the directory over HTTP', 'outcome'),
  firehose_certificate_expiry_timestamp_seconds: gauge('When the served certificate ends, Unix time'),
  firehose_process_resident_memory_bytes: gauge('Memory of the process'),
  firehose_process_open_descriptors: gauge('Open files and sockets of the process, on Linux'),
  firehose_event_loop_delay_seconds: gauge('p99 since the last scrape'),
} as const satisfies MetricTable;
