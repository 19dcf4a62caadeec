import { dashboard } from './dashboard.ts';

const OF_POD = '{pod=~"$pod"}';
const rate = (metric: string, where = OF_POD) => `rate(${metric}${where}[$__rate_interval])`;
const sum = (by: string, of: string) => `sum by (${by}) (${of})`;
const IN = '{namespace=~"$namespace",name=~"$resource"}';
const condition = (type: string) =>
  `firehose_subscription_condition{namespace=~"$namespace",name=~"$resource",type="${type}"}`;

export const OPERATOR = dashboard({
  uid: 'firehose-operator',
  title: 'Firehose / Operator',
  variables: [
    { name: 'namespace', title: 'Namespace', metric: 'firehose_subscription_condition', label: 'namespace' },
    {
      name: 'resource',
      title: 'Resource',
      metric: 'firehose_subscription_condition',
      label: 'name',
      where: 'namespace=~"$namespace"',
    },
    { name: 'pod', title: 'Operator pod', metric: 'leader_election_master_status', label: 'pod' },
  ],
  rows: [
    {
      title: 'Is it well?',
      panels: [
        {
          title: 'Leaders',
          unit: 'short',
          kind: 'stat',
          says: 'Exactly 1. At 0, or without data, changes of resources wait; gateways continue to serve.',
          thresholds: { bad: 1, below: true },
          alert: 'FirehoseNoLeader',
          queries: { leaders: 'sum(leader_election_master_status)' },
        },
        {
          title: 'Ready resources',
          unit: 'short',
          kind: 'stat',
          says: 'Resources whose condition Ready is True. Compare with the number beside it.',
          queries: { ready: `sum(${condition('Ready')})` },
        },
        {
          title: 'Resources that are not ready',
          unit: 'short',
          kind: 'stat',
          says: 'Neither ready nor suspended. `kubectl describe fhs` names the condition that is not True.',
          thresholds: { bad: 1 },
          alert: 'FirehoseNoReadyReplica',
          queries: {
            'not ready': `count(${condition('Ready')}) - sum(${condition('Ready')}) - (sum(${condition('Suspended')}) or vector(0))`,
          },
        },
        {
          title: 'Failed passes in the last hour',
          unit: 'short',
          kind: 'stat',
          says: 'A few are conflicts that repeat themselves. Many are an API server that refuses the operator.',
          thresholds: { warn: 10, bad: 60 },
          alert: 'FirehoseReconcileErrors',
          queries: { failed: 'sum(increase(controller_runtime_reconcile_errors_total[1h]))' },
        },
        {
          title: 'Longest deletion',
          unit: 's',
          kind: 'stat',
          says: 'Deletion waits for Redis for at most ten minutes. Above 15 minutes it is stuck.',
          thresholds: { warn: 600, bad: 900 },
          alert: 'FirehoseStuckDeletion',
          queries: { longest: `max(firehose_subscription_deletion_seconds${IN})` },
        },
      ],
    },
    {
      title: 'Resources',
      panels: [
        {
          title: 'Conditions that are True',
          unit: 'short',
          says: 'Number of resources by condition. Stalled needs a person; Degraded serves with less than it should.',
          queries: { '{{type}}': sum('type', `firehose_subscription_condition${IN}`) },
        },
        {
          title: 'Not available',
          unit: 'short',
          says: 'A line for each resource without an available gateway. No line is good.',
          alert: 'FirehoseNoReadyReplica',
          queries: { '{{namespace}}/{{name}}': `${condition('GatewayAvailable')} == 0` },
        },
        {
          title: 'Time in deletion',
          unit: 's',
          says: 'A line for each resource that is being deleted. Describe those above ten minutes.',
          thresholds: { bad: 900 },
          alert: 'FirehoseStuckDeletion',
          queries: { '{{namespace}}/{{name}}': `firehose_subscription_deletion_seconds${IN} > 0` },
        },
        {
          title: 'Next rotation of the signing key',
          unit: 'dateTimeFromNow',
          kind: 'stat',
          says: 'A date in the past means that the rotation waits: SigningKeysReady says why.',
          alert: 'FirehoseKeyRotationOverdue',
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
          says: 'By result. `requeue` is a resource that is looked at again later; a steady state has one a resource in 27 s.',
          queries: { '{{result}}': sum('result', rate('controller_runtime_reconcile_total')) },
        },
        {
          title: 'Failed passes',
          unit: 'ops',
          says: 'The operator logs one line for each, with the message of the API server.',
          alert: 'FirehoseReconcileErrors',
          queries: { failed: `sum(${rate('controller_runtime_reconcile_errors_total')})` },
        },
        {
          title: 'Time a pass takes',
          unit: 's',
          says: 'A p99 of five seconds is a Redis that does not answer.',
          thresholds: { warn: 5 },
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
        {
          title: 'Waiting',
          unit: 'short',
          says: 'Resources that wait for a worker. If it does not return to 0, raise operator.workers.',
          queries: { waiting: `sum(workqueue_depth${OF_POD})` },
        },
        {
          title: 'Added',
          unit: 'ops',
          says: 'Changes that woke a pass, and passes repeated after a failure.',
          queries: {
            added: `sum(${rate('workqueue_adds_total')})`,
            'after a failure': `sum(${rate('workqueue_retries_total')})`,
          },
        },
        {
          title: 'Time in the queue, p99',
          unit: 's',
          says: 'How late a change is seen. Above a second the workers are busy.',
          thresholds: { warn: 1 },
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
          says: 'By method and status. A steady state writes nothing but the Lease. 403 is a missing right, 429 a throttled client.',
          queries: { '{{method}} {{code}}': sum('method, code', rate('rest_client_requests_total')) },
        },
        {
          title: 'Age of the watches',
          unit: 's',
          says: 'Time since the API server last sent something for a kind. Bookmarks come every minute.',
          thresholds: { warn: 150, bad: 300 },
          alert: 'FirehoseStaleWatch',
          queries: { '{{resource}}': `max by (resource) (firehose_watch_age_seconds${OF_POD})` },
        },
        {
          title: 'Leads',
          unit: 'short',
          says: '1 for the pod that leads. Frequent changes are pods that lose the Lease: check their CPU.',
          alert: 'FirehoseNoLeader',
          queries: { '{{pod}}': `max by (pod) (leader_election_master_status${OF_POD})` },
        },
        {
          title: 'Memory',
          unit: 'bytes',
          says: 'Resident memory of the operator. It follows the number of resources.',
          queries: {
            '{{pod}}': `sum by (pod) (firehose_process_resident_memory_bytes${OF_POD}) and on (pod) max by (pod) (leader_election_master_status)`,
          },
        },
      ],
    },
  ],
});
