import { counter, gauge, type MetricTable } from '../../../runtime/telemetry/metric-table.ts';

/** Every metric of a directory server. That of the bus is exposed once one is configured. */
export const DIRECTORY_SERVER_METRICS = {
  firehose_directory_server_accounts: gauge('Accounts that are served'),
  firehose_directory_server_users: gauge('Users that are served or checked'),
  firehose_directory_server_age_seconds: gauge('Since the platform was last read as a whole, or since the start'),
  firehose_directory_server_readings_total: counter('Readings of the platform', 'outcome'),
  firehose_directory_server_answers_total: counter('Questions of gateways', 'answer'),
  firehose_directory_server_pushes_total: counter('Gateways that were told of a change, or could not be', 'outcome'),
  firehose_directory_server_bus_up: gauge('1 while changes come from the bus as they happen'),
  firehose_process_resident_memory_bytes: gauge('Memory of the process'),
} as const satisfies MetricTable;
