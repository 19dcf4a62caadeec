import { dashboard } from './dashboard.ts';

const IN = '{namespace=~"$namespace"}';
const GROUP = '{namespace=~"$namespace",group=~"$group"}';
const rate = (metric: string, where = IN) => `rate(${metric}${where}[$__rate_interval])`;
const sum = (by: string, of: string) => `sum by (${by}) (${of})`;
const ofGroup = (metric: string) => sum('group', rate(metric, GROUP));
/** Every replica tells of the whole group. */
const whole = (metric: string) => `max by (namespace, group) (${metric}${GROUP})`;

export const STREAMS = dashboard({
  uid: 'firehose-streams',
  title: 'Firehose / Streams and groups',
  variables: [
    { name: 'namespace', metric: 'firehose_events_read_total', label: 'namespace' },
    { name: 'group', metric: 'firehose_group_pending', label: 'group' },
  ],
  rows: [
    {
      title: 'The log',
      panels: [
        {
          title: 'Events taken in',
          unit: 'ops',
          queries: {
            '{{source}} {{outcome}} {{reason}}': sum('source, outcome, reason', rate('firehose_ingest_events_total')),
          },
        },
        {
          title: 'Entries read, by partition',
          unit: 'ops',
          queries: { '{{partition}}': sum('partition', rate('firehose_events_read_total')) },
        },
        {
          title: 'Entries in a read',
          unit: 'short',
          says: 'Grows with the load by itself.',
          queries: {
            p50: `histogram_quantile(0.5, sum by (le) (${rate('firehose_read_batch_events_bucket')}))`,
            p99: `histogram_quantile(0.99, sum by (le) (${rate('firehose_read_batch_events_bucket')}))`,
          },
        },
        {
          title: 'Entries that reach nobody',
          unit: 'ops',
          queries: { '{{outcome}}': sum('outcome', rate('firehose_events_unroutable_total')) },
        },
      ],
    },
    {
      title: 'Durable groups: how far they are',
      panels: [
        { title: 'Lag', unit: 'short', queries: { '{{namespace}} {{group}}': whole('firehose_group_lag') } },
        {
          title: 'Oldest event that is not settled',
          unit: 's',
          queries: { '{{namespace}} {{group}}': whole('firehose_group_oldest_pending_seconds') },
        },
        {
          title: 'Read and not settled',
          unit: 'short',
          queries: { '{{group}} {{pod}}': sum('group, pod', `firehose_group_pending${GROUP}`) },
        },
        {
          title: 'Connections and partitions',
          unit: 'short',
          queries: {
            'connections {{group}}': sum('group', `firehose_group_connections${GROUP}`),
            'partitions {{group}}': sum('group', `firehose_group_partitions${GROUP}`),
          },
        },
      ],
    },
    {
      title: 'Durable groups: what they do',
      panels: [
        {
          title: 'Delivered and acknowledged',
          unit: 'ops',
          queries: {
            'delivered {{group}}': ofGroup('firehose_group_deliveries_total'),
            'again {{group}}': ofGroup('firehose_group_redeliveries_total'),
            'acknowledged {{group}}': ofGroup('firehose_group_acknowledged_total'),
          },
        },
        {
          title: 'Given up, or lost',
          unit: 'ops',
          queries: {
            'dead letters {{group}}': ofGroup('firehose_group_dead_letters_total'),
            'trimmed {{group}}': ofGroup('firehose_group_trimmed_total'),
            'poison {{group}}': ofGroup('firehose_group_poison_total'),
          },
        },
        {
          title: 'For nobody of the group',
          unit: 'ops',
          queries: { '{{group}}': ofGroup('firehose_group_filtered_total') },
        },
        {
          title: 'Hand-overs',
          unit: 'ops',
          queries: {
            'taken {{group}}': ofGroup('firehose_group_leases_taken_total'),
            'lost {{group}}': ofGroup('firehose_group_leases_lost_total'),
          },
        },
      ],
    },
    {
      title: 'Redis',
      panels: [
        {
          title: 'Connections that are ready',
          unit: 'short',
          queries: { '{{role}} {{pod}}': `min by (role, pod) (firehose_redis_client_state${IN})` },
        },
        {
          title: 'Outages',
          unit: 'short',
          queries: {
            '{{role}} {{code}}': sum('role, code', `increase(firehose_redis_errors_total${IN}[$__rate_interval])`),
          },
        },
      ],
    },
  ],
});
