import { dashboard } from './dashboard.ts';

const rate = (metric: string, where = '') => `rate(${metric}${where}[$__rate_interval])`;
const sum = (by: string, of: string) => `sum by (${by}) (${of})`;
const IN = '{namespace=~"$namespace"}';

export const OPERATOR = dashboard({
  uid: 'firehose-operator',
  title: 'Firehose / Operator',
  variables: [{ name: 'namespace', metric: 'firehose_subscription_condition', label: 'namespace' }],
  rows: [
    {
      title: 'Resources',
      panels: [
        {
          title: 'Conditions that are True',
          unit: 'short',
          queries: { '{{type}}': sum('type', `firehose_subscription_condition${IN}`) },
        },
        {
          title: 'Not available',
          unit: 'short',
          queries: {
            '{{namespace}}/{{name}}': `firehose_subscription_condition{namespace=~"$namespace",type="GatewayAvailable"} == 0`,
          },
        },
        {
          title: 'Being deleted for',
          unit: 's',
          queries: { '{{namespace}}/{{name}}': `firehose_subscription_deletion_seconds${IN} > 0` },
        },
        {
          title: 'Next rotation of the signing key',
          unit: 'dateTimeFromNow',
          kind: 'stat',
          queries: {
            '{{namespace}}/{{name}}': `min by (namespace, name) (firehose_subscription_key_rotation_timestamp_seconds${IN}) * 1000`,
          },
        },
      ],
    },
    {
      title: 'Passes',
      panels: [
        {
          title: 'Passes',
          unit: 'ops',
          queries: { '{{result}}': sum('result', rate('controller_runtime_reconcile_total')) },
        },
        {
          title: 'Failed passes',
          unit: 'ops',
          queries: { failed: `sum(${rate('controller_runtime_reconcile_errors_total')})` },
        },
        {
          title: 'Time a pass takes',
          unit: 's',
          queries: {
            p50: `histogram_quantile(0.5, sum by (le) (${rate('controller_runtime_reconcile_time_seconds_bucket')}))`,
            p99: `histogram_quantile(0.99, sum by (le) (${rate('controller_runtime_reconcile_time_seconds_bucket')}))`,
          },
        },
      ],
    },
    {
      title: 'Queue',
      panels: [
        { title: 'Waiting', unit: 'short', queries: { waiting: 'sum(workqueue_depth)' } },
        {
          title: 'Added',
          unit: 'ops',
          queries: {
            added: `sum(${rate('workqueue_adds_total')})`,
            'after a failure': `sum(${rate('workqueue_retries_total')})`,
          },
        },
        {
          title: 'Time in the queue, p99',
          unit: 's',
          queries: {
            p99: `histogram_quantile(0.99, sum by (le) (${rate('workqueue_queue_duration_seconds_bucket')}))`,
          },
        },
      ],
    },
    {
      title: 'API server and process',
      panels: [
        {
          title: 'Requests',
          unit: 'ops',
          queries: { '{{method}} {{code}}': sum('method, code', rate('rest_client_requests_total')) },
        },
        {
          title: 'Since a watch was heard of',
          unit: 's',
          queries: { '{{resource}}': 'max by (resource) (firehose_watch_age_seconds)' },
        },
        { title: 'Leads', unit: 'short', queries: { '{{pod}}': 'max by (pod) (leader_election_master_status)' } },
        {
          title: 'Memory',
          unit: 'bytes',
          queries: {
            '{{pod}}':
              'sum by (pod) (firehose_process_resident_memory_bytes) and on (pod) max by (pod) (leader_election_master_status)',
          },
        },
      ],
    },
  ],
});
