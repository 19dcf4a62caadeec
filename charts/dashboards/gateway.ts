import { dashboard } from './dashboard.ts';

const IN = '{namespace=~"$namespace"}';
const rate = (metric: string) => `rate(${metric}${IN}[$__rate_interval])`;
const sum = (by: string, of: string) => `sum by (${by}) (${of})`;
const quantile = (q: number, metric: string) =>
  `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket${IN}[$__rate_interval])))`;

export const GATEWAY = dashboard({
  uid: 'firehose-gateway',
  title: 'Firehose / Gateway',
  variables: [{ name: 'namespace', metric: 'firehose_connections', label: 'namespace' }],
  rows: [
    {
      title: 'Connections',
      panels: [
        {
          title: 'Open connections',
          unit: 'short',
          queries: { '{{contract}}': sum('contract', `firehose_connections${IN}`) },
        },
        {
          title: 'Handshakes',
          unit: 'ops',
          queries: { '{{status}}': sum('status', rate('firehose_handshakes_total')) },
        },
        {
          title: 'Connections ended, by close code',
          unit: 'ops',
          queries: { '{{code}}': sum('code', rate('firehose_sessions_closed_total')) },
        },
        {
          title: 'Logins',
          unit: 'ops',
          queries: {
            '{{outcome}}': sum('outcome', rate('firehose_logins_total')),
          },
        },
      ],
    },
    {
      title: 'Delivery',
      panels: [
        { title: 'Deliveries', unit: 'ops', queries: { '{{pod}}': sum('pod', rate('firehose_deliveries_total')) } },
        { title: 'Bytes', unit: 'Bps', queries: { '{{pod}}': sum('pod', rate('firehose_delivered_bytes_total')) } },
        {
          title: 'Events in a write',
          unit: 'short',
          says: 'Writes are what a delivery costs: more events in each is cheaper.',
          queries: {
            'events a write': `sum(${rate('firehose_deliveries_total')}) / sum(${rate('firehose_writes_total')})`,
          },
        },
        {
          title: 'Ingest to socket write',
          unit: 's',
          says: 'Of the oldest entry of each read.',
          queries: {
            p50: quantile(0.5, 'firehose_delivery_latency_seconds'),
            p99: quantile(0.99, 'firehose_delivery_latency_seconds'),
          },
        },
      ],
    },
    {
      title: 'Slow and told',
      panels: [
        {
          title: 'Connections that are behind',
          unit: 'short',
          queries: { '{{pod}}': sum('pod', `firehose_behind_connections${IN}`) },
        },
        {
          title: 'Ended for being slow',
          unit: 'ops',
          queries: { '{{policy}}': sum('policy', rate('firehose_slow_consumer_closes_total')) },
        },
        { title: 'Gaps told', unit: 'ops', queries: { '{{reason}}': sum('reason', rate('firehose_gaps_total')) } },
        {
          title: 'Refused for a limit',
          unit: 'ops',
          queries: { '{{quota}}': sum('quota', rate('firehose_quota_refusals_total')) },
        },
      ],
    },
    {
      title: 'Logins and tokens',
      panels: [
        {
          title: 'Time a login takes',
          unit: 's',
          queries: {
            p50: quantile(0.5, 'firehose_login_duration_seconds'),
            p99: quantile(0.99, 'firehose_login_duration_seconds'),
          },
        },
        {
          title: 'Revocations',
          unit: 'short',
          queries: {
            'in force': `max(firehose_revocations_in_force${IN})`,
            'asked for, {{outcome}}': sum('outcome', `increase(firehose_revocations_total${IN}[$__rate_interval])`),
          },
        },
        {
          title: 'Certificate ends',
          unit: 'dateTimeFromNow',
          kind: 'stat',
          queries: {
            '{{namespace}}': `min by (namespace) (firehose_certificate_expiry_timestamp_seconds${IN}) * 1000`,
          },
        },
      ],
    },
    {
      title: 'Process',
      panels: [
        {
          title: 'Memory',
          unit: 'bytes',
          queries: { '{{pod}}': sum('pod', `firehose_process_resident_memory_bytes${IN}`) },
        },
        {
          title: 'Open descriptors',
          unit: 'short',
          queries: { '{{pod}}': sum('pod', `firehose_process_open_descriptors${IN}`) },
        },
        {
          title: 'Event loop delay, p99',
          unit: 's',
          queries: { '{{pod}}': `max by (pod) (firehose_event_loop_delay_seconds${IN})` },
        },
      ],
    },
  ],
});
