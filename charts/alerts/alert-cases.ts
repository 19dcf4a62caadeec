import { GATEWAY, gateway, type AlertCase } from './alert-case.ts';
import { SENDER_CASES } from './sender-cases.ts';

const condition = (type: string) => `firehose_subscription_condition{namespace="voice",name="acme",type="${type}"}`;
const latency = (le: string) => gateway('firehose_delivery_latency_seconds_bucket', `,le="${le}"`);
const source = (metric: string, labels = '', pod = 'a') =>
  `${metric}{namespace="voice",job="pbx-source",pod="${pod}",source="voice/pbx",switch="fs1"${labels}}`;
const ingested = `firehose_ingest_events_total{namespace="voice",job="pbx-source",pod="a",source="freeswitch",outcome="accepted"}`;
const directoryServer = (metric: string, labels = '') =>
  `firehose_directory_server_${metric}{namespace="voice",job="firehose-directory-kazoo",pod="a"${labels}}`;
const DIRECTORY_SERVER = { namespace: 'voice', job: 'firehose-directory-kazoo' };
const FS1 = { namespace: 'voice', source: 'voice/pbx', switch: 'fs1' };
const ACME = { namespace: 'voice', name: 'acme' };
const DAY_S = 86_400;

export const ALERT_CASES: readonly AlertCase[] = [
  {
    alert: 'FirehoseNoReadyReplica',
    fires: { [condition('GatewayAvailable')]: '0x10' },
    after: 3,
    labels: { ...ACME, severity: 'critical' },
    quiet: [
      { [condition('GatewayAvailable')]: '1x10' },
      { [condition('GatewayAvailable')]: '0 1x9' },
      { [condition('GatewayAvailable')]: '0x10', [condition('Suspended')]: '1x10' },
    ],
  },
  {
    alert: 'FirehoseRedisAway',
    fires: {
      [gateway('firehose_redis_client_state', ',role="log"')]: '1x20',
      [gateway('firehose_redis_client_state', ',role="groups"')]: '1 0x9',
    },
    after: 4,
    labels: { ...GATEWAY, role: 'groups', severity: 'critical' },
    quiet: [{ [gateway('firehose_redis_client_state', ',role="log"')]: '1x10' }],
  },
  {
    alert: 'FirehoseSlowConsumers',
    fires: {
      [gateway('firehose_behind_connections')]: '20x20',
      [gateway('firehose_connections', ',contract="plain"')]: '100x20',
    },
    after: 6,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [
      {
        [gateway('firehose_behind_connections')]: '5x20',
        [gateway('firehose_connections', ',contract="plain"')]: '100x20',
        [gateway('firehose_slow_consumer_closes_total', ',policy="Latest"')]: '7x20',
      },
      {
        [gateway('firehose_behind_connections')]: '0x20',
        [gateway('firehose_connections', ',contract="plain"')]: '0x20',
      },
    ],
  },
  {
    alert: 'FirehoseGaps',
    fires: { [gateway('firehose_gaps_total', ',reason="trimmed"')]: '0 0 0 3x10' },
    after: 5,
    labels: { ...GATEWAY, reason: 'trimmed', severity: 'warning' },
    quiet: [{ [gateway('firehose_gaps_total', ',reason="trimmed"')]: '3x30' }],
  },
  {
    alert: 'FirehoseStreamAhead',
    fires: { [gateway('firehose_stream_ahead_seconds', ',partition="2"')]: '0 3600x10' },
    after: 3,
    labels: { ...GATEWAY, partition: '2', severity: 'critical' },
    quiet: [{ [gateway('firehose_stream_ahead_seconds', ',partition="2"')]: '2x10' }],
  },
  {
    alert: 'FirehoseUnknownAccounts',
    fires: { [gateway('firehose_events_unroutable_total', ',outcome="unknown_account"')]: '0+5x30' },
    after: 20,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [
      { [gateway('firehose_events_unroutable_total', ',outcome="unknown_account"')]: '7x30' },
      { [gateway('firehose_events_unroutable_total', ',outcome="foreign_account"')]: '0+5x30' },
    ],
  },
  {
    alert: 'FirehoseLoginUnavailable',
    fires: { [gateway('firehose_logins_total', ',outcome="unavailable"')]: '0+1x20' },
    after: 9,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [
      { [gateway('firehose_logins_total', ',outcome="unavailable"')]: '0 3x30' },
      { [gateway('firehose_logins_total', ',outcome="bad_credentials"')]: '0+9x20' },
    ],
  },
  {
    alert: 'FirehoseDirectoryStale',
    fires: { [gateway('firehose_directory_age_seconds')]: '0+60x20' },
    after: 13,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [
      { [gateway('firehose_directory_age_seconds')]: '30x20' },
      { [gateway('firehose_directory_age_seconds')]: '0+60x9 0x10' },
    ],
  },
  {
    alert: 'FirehoseDirectoryFaults',
    fires: { [gateway('firehose_directory_faults')]: '0 2x10' },
    after: 7,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [{ [gateway('firehose_directory_faults')]: '0 2 2 0x30' }],
  },
  {
    alert: 'FirehoseDeliveryLatency',
    fires: { [latency('1')]: '0+10x30', [latency('5')]: '0+100x30', [latency('+Inf')]: '0+100x30' },
    after: 20,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [{ [latency('1')]: '0+100x30', [latency('5')]: '0+100x30', [latency('+Inf')]: '0+100x30' }],
  },
  {
    alert: 'FirehoseCertificateExpiry',
    fires: { [gateway('firehose_certificate_expiry_timestamp_seconds')]: `${6 * DAY_S}x10` },
    after: 1,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [{ [gateway('firehose_certificate_expiry_timestamp_seconds')]: `${30 * DAY_S}x10` }],
  },
  {
    alert: 'FirehoseGroupLag',
    fires: { [gateway('firehose_group_lag', ',group="default"')]: '20000x20' },
    after: 12,
    labels: { ...GATEWAY, group: 'default', severity: 'warning' },
    quiet: [
      { [gateway('firehose_group_lag', ',group="default"')]: '20000 20000 0x20' },
      { [gateway('firehose_group_lag', ',group="default"')]: '9000x20' },
      // No connection has ever used the group: it has no series of lag, however long the log is.
      { [gateway('firehose_group_connections', ',group="default"')]: '0x30' },
    ],
  },
  {
    alert: 'FirehoseGroupOldestPending',
    fires: { [gateway('firehose_group_oldest_pending_seconds', ',group="default"')]: '601+60x20' },
    after: 8,
    labels: { ...GATEWAY, group: 'default', severity: 'warning' },
    quiet: [{ [gateway('firehose_group_oldest_pending_seconds', ',group="default"')]: '30x20' }],
  },
  {
    alert: 'FirehoseDeadLetters',
    fires: { [gateway('firehose_group_dead_letters_total', ',group="default"')]: '0 0 1x10' },
    after: 4,
    labels: { ...GATEWAY, group: 'default', severity: 'warning' },
    quiet: [
      { [gateway('firehose_group_dead_letters_total', ',group="default"')]: '4x20' },
      // Its owner sees them, and its receiver may make as many as it likes.
      { [gateway('firehose_group_dead_letters_total', ',group="self_service"')]: '0 0 1x10' },
    ],
  },
  ...SENDER_CASES,
  {
    alert: 'FirehoseDirectoryServerStale',
    fires: { [directoryServer('age_seconds')]: '0+60x60' },
    after: 37,
    labels: { ...DIRECTORY_SERVER, severity: 'warning' },
    quiet: [{ [directoryServer('age_seconds')]: '0+60x29 0+60x29' }, { [directoryServer('age_seconds')]: '600x60' }],
  },
  {
    alert: 'FirehoseDirectoryServerBus',
    fires: { [directoryServer('bus_up')]: '1 0x20' },
    after: 13,
    labels: { ...DIRECTORY_SERVER, severity: 'warning' },
    quiet: [{ [directoryServer('bus_up')]: '1 0x8 1x20' }],
  },
  {
    alert: 'FirehoseDirectoryServerPush',
    fires: { [directoryServer('pushes_total', ',outcome="failed"')]: '0+1x40' },
    after: 20,
    labels: { ...DIRECTORY_SERVER, severity: 'warning' },
    quiet: [
      { [directoryServer('pushes_total', ',outcome="failed"')]: '0 1x60' },
      { [directoryServer('pushes_total', ',outcome="told"')]: '0+1x60' },
    ],
  },
  {
    alert: 'FirehoseSourceDown',
    fires: { [source('firehose_source_up')]: '1 0x10', [source('firehose_source_up', '', 'b')]: '0x11' },
    after: 3,
    labels: { ...FS1, severity: 'critical' },
    quiet: [
      // A standby still listens.
      { [source('firehose_source_up')]: '0x30', [source('firehose_source_up', '', 'b')]: '1x30' },
      { [source('firehose_source_up')]: '1 1 0 1x30' },
    ],
  },
  {
    alert: 'FirehoseSourceNoLeader',
    fires: {
      [source('firehose_source_up')]: '1x10',
      [source('firehose_source_leading')]: '1 0x10',
      [source('firehose_source_leading', '', 'b')]: '0x11',
    },
    after: 3,
    labels: { ...FS1, severity: 'critical' },
    quiet: [
      {
        [source('firehose_source_up')]: '1x30',
        [source('firehose_source_leading')]: '0x30',
        [source('firehose_source_leading', '', 'b')]: '1x30',
      },
      // FirehoseSourceDown fires then.
      { [source('firehose_source_up')]: '0x30', [source('firehose_source_leading')]: '0x30' },
    ],
  },
  {
    alert: 'FirehoseSourceGap',
    fires: { [source('firehose_source_gaps_total', ',reason="connection_lost"')]: '0 0 0 1x10' },
    after: 5,
    labels: { ...FS1, reason: 'connection_lost', severity: 'warning' },
    quiet: [{ [source('firehose_source_gaps_total', ',reason="connection_lost"')]: '3x30' }],
  },
  {
    alert: 'FirehoseSourceBacklog',
    fires: {
      [source('firehose_source_backlog_events')]: '0+20000x10',
      [source('firehose_source_backlog_limit_events')]: '200000x10',
    },
    after: 8,
    labels: { ...FS1, severity: 'critical' },
    quiet: [
      {
        [source('firehose_source_backlog_events')]: '90000x30',
        [source('firehose_source_backlog_limit_events')]: '200000x30',
      },
      {
        [source('firehose_source_backlog_events')]: '90000x30',
        [source('firehose_source_backlog_limit_events')]: '0x30',
      },
    ],
  },
  {
    alert: 'FirehoseSourceUnattributed',
    fires: { [source('firehose_source_unattributed_total')]: '0+5x40', [ingested]: '0+100x40' },
    after: 20,
    labels: { namespace: 'voice', job: 'pbx-source', severity: 'warning' },
    quiet: [
      { [source('firehose_source_unattributed_total')]: '0+1x40', [ingested]: '0+200x40' },
      { [source('firehose_source_unattributed_total')]: '0x40', [ingested]: '0x40' },
    ],
  },
  {
    alert: 'FirehoseCallsBehind',
    fires: { [gateway('firehose_calls_behind_seconds')]: '0 40x20' },
    after: 4,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [{ [gateway('firehose_calls_behind_seconds')]: '0 40 0 40 0 29x20' }],
  },
  {
    alert: 'FirehoseCallsLost',
    fires: {
      [gateway('firehose_calls_ends_total', ',reason="switch_lost"')]: '0+5x30',
      [gateway('firehose_calls_ends_total', ',reason="silent"')]: '0x30',
    },
    after: 15,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [{ [gateway('firehose_calls_ends_total', ',reason="silent"')]: '0+1x30' }],
  },
  {
    alert: 'FirehoseCallsTooMany',
    fires: { [gateway('firehose_calls_refused_legs_total')]: '0+1x20' },
    after: 5,
    labels: { ...GATEWAY, severity: 'warning' },
    quiet: [{ [gateway('firehose_calls_refused_legs_total')]: '7x20' }],
  },
  {
    alert: 'FirehoseReconcileErrors',
    fires: {
      'controller_runtime_reconcile_errors_total{job="firehose-operator",controller="firehosesubscription"}': '0+1x40',
    },
    after: 30,
    labels: { job: 'firehose-operator', severity: 'warning' },
    quiet: [
      {
        'controller_runtime_reconcile_errors_total{job="firehose-operator",controller="firehosesubscription"}':
          '0 1 2x40',
      },
    ],
  },
  {
    alert: 'FirehoseNoLeader',
    firesUnscraped: true,
    fires: { 'leader_election_master_status{job="firehose-operator",pod="a",name="firehose-operator"}': '0x10' },
    after: 3,
    labels: { severity: 'critical' },
    quiet: [
      {
        'leader_election_master_status{job="firehose-operator",pod="a",name="firehose-operator"}': '0x30',
        'leader_election_master_status{job="firehose-operator",pod="b",name="firehose-operator"}': '1x30',
      },
    ],
  },
  {
    alert: 'FirehoseStuckDeletion',
    fires: { 'firehose_subscription_deletion_seconds{namespace="voice",name="acme"}': '0+60x30' },
    after: 17,
    labels: { ...ACME, severity: 'warning' },
    quiet: [{ 'firehose_subscription_deletion_seconds{namespace="voice",name="acme"}': '0+30x25' }],
  },
  {
    alert: 'FirehoseStaleWatch',
    fires: { 'firehose_watch_age_seconds{job="firehose-operator",resource="deployments"}': '0+60x20' },
    after: 9,
    labels: { job: 'firehose-operator', resource: 'deployments', severity: 'warning' },
    quiet: [{ 'firehose_watch_age_seconds{job="firehose-operator",resource="deployments"}': '0 60 0 60 0x20' }],
  },
  {
    alert: 'FirehoseKeyRotationOverdue',
    fires: {
      'firehose_subscription_key_rotation_timestamp_seconds{namespace="voice",name="acme"}': `${-2 * DAY_S}x10`,
    },
    after: 1,
    labels: { ...ACME, severity: 'warning' },
    quiet: [{ 'firehose_subscription_key_rotation_timestamp_seconds{namespace="voice",name="acme"}': `${DAY_S}x10` }],
  },
];
