import { dashboard } from './dashboard.ts';

const IN = '{namespace=~"$namespace",job=~"$resource",pod=~"$pod"}';
const GROUP = '{namespace=~"$namespace",job=~"$resource",pod=~"$pod",group=~"$group"}';
const rate = (metric: string, where = IN) => `rate(${metric}${where}[$__rate_interval])`;
const sum = (by: string, of: string) => `sum by (${by}) (${of})`;
const ofGroup = (metric: string) => sum('job, group', rate(metric, GROUP));
/** Every replica reports the whole group. */
const whole = (metric: string) => `max by (namespace, job, group) (${metric}${GROUP})`;

export const STREAMS = dashboard({
  uid: 'firehose-streams',
  title: 'Firehose / Streams and groups',
  variables: [
    { name: 'namespace', title: 'Namespace', metric: 'firehose_events_read_total', label: 'namespace' },
    {
      name: 'resource',
      title: 'Resource',
      metric: 'firehose_events_read_total',
      label: 'job',
      where: 'namespace=~"$namespace"',
    },
    {
      name: 'pod',
      title: 'Pod',
      metric: 'firehose_events_read_total',
      label: 'pod',
      where: 'namespace=~"$namespace",job=~"$resource"',
    },
    {
      name: 'group',
      title: 'Group',
      metric: 'firehose_group_pending',
      label: 'group',
      where: 'namespace=~"$namespace",job=~"$resource"',
    },
  ],
  rows: [
    {
      title: 'Is it well?',
      panels: [
        {
          title: 'Events read',
          unit: 'ops',
          kind: 'stat',
          says: 'Entries read from the log by one gateway, on average. 0 while calls are made means that no source writes.',
          queries: {
            'events a second': `sum(${rate('firehose_events_read_total')}) / count(firehose_process_resident_memory_bytes${IN})`,
          },
        },
        {
          title: 'Highest lag',
          unit: 'short',
          kind: 'stat',
          says: 'Unread entries of the group that is furthest behind. A group that no client has ever used has none.',
          thresholds: { warn: 1_000, bad: 10_000 },
          alert: 'FirehoseGroupLag',
          queries: { entries: `max(firehose_group_lag${GROUP})` },
        },
        {
          title: 'Oldest unacknowledged event',
          unit: 's',
          kind: 'stat',
          says: 'Above ten minutes a client holds an event or its delivery is repeated.',
          thresholds: { warn: 120, bad: 600 },
          alert: 'FirehoseGroupOldestPending',
          queries: { age: `max(firehose_group_oldest_pending_seconds${GROUP})` },
        },
        {
          title: 'Dead letters in the last hour',
          unit: 'short',
          kind: 'stat',
          says: 'Events that a group could not process. They wait for `dead-letters redrive`.',
          thresholds: { bad: 1 },
          alert: 'FirehoseDeadLetters',
          queries: { events: `sum(increase(firehose_group_dead_letters_total${GROUP}[1h]))` },
        },
        {
          title: 'Redis',
          unit: 'short',
          kind: 'stat',
          says: '1 while every connection to Redis is ready.',
          thresholds: { bad: 1, below: true },
          alert: 'FirehoseRedisAway',
          queries: { ready: `min(firehose_redis_client_state${IN})` },
        },
      ],
    },
    {
      title: 'The log',
      panels: [
        {
          title: 'Events ingested',
          unit: 'ops',
          says: 'Through the ingest endpoint, by outcome and reason. Rejected events are lost to the platform: fix the producer.',
          queries: {
            '{{source}} {{outcome}} {{reason}}': sum('source, outcome, reason', rate('firehose_ingest_events_total')),
          },
        },
        {
          title: 'Entries read, by partition',
          unit: 'ops',
          says: 'All partitions should have about the same rate. A partition at 0 beside others that move is blocked.',
          queries: { '{{partition}}': sum('partition', rate('firehose_events_read_total')) },
        },
        {
          title: 'Entries in a read',
          unit: 'short',
          says: 'Grows with the load by itself. Reads that stay at the maximum mean that the gateway cannot keep up.',
          queries: {
            p50: `histogram_quantile(0.5, sum by (le) (${rate('firehose_read_batch_events_bucket')}))`,
            p99: `histogram_quantile(0.99, sum by (le) (${rate('firehose_read_batch_events_bucket')}))`,
          },
        },
        {
          title: 'Ahead of the clock',
          unit: 's',
          says: 'How far the last entry id of a partition lies in the future. Above a minute times, age limits and lag are wrong.',
          thresholds: { bad: 60 },
          alert: 'FirehoseStreamAhead',
          queries: { '{{partition}}': `max by (partition) (firehose_stream_ahead_seconds${IN})` },
        },
        {
          title: 'Entries that reach no connection',
          unit: 'ops',
          says: 'By reason. Accounts that the directory does not know are a directory that is not up to date, or a wrong source.',
          queries: { '{{outcome}}': sum('outcome', rate('firehose_events_unroutable_total')) },
        },
      ],
    },
    {
      title: 'Durable groups: position',
      panels: [
        {
          title: 'Lag',
          unit: 'short',
          says: 'Unread entries. A line that rises steadily means that the clients of the group are too slow or away.',
          thresholds: { bad: 10_000 },
          alert: 'FirehoseGroupLag',
          queries: { '{{job}} {{group}}': whole('firehose_group_lag') },
        },
        {
          title: 'Oldest unacknowledged event',
          unit: 's',
          says: 'A line that rises with the clock is one event that blocks its call.',
          thresholds: { bad: 600 },
          alert: 'FirehoseGroupOldestPending',
          queries: { '{{job}} {{group}}': whole('firehose_group_oldest_pending_seconds') },
        },
        {
          title: 'Unacknowledged events',
          unit: 'short',
          says: 'Delivered and not acknowledged, by pod. At maxPending for each connection nothing more is delivered.',
          queries: { '{{group}} {{pod}}': sum('group, pod', `firehose_group_pending${GROUP}`) },
        },
        {
          title: 'Connections and partitions',
          unit: 'short',
          says: 'All partitions must be read while a group has connections. More connections than partitions bring no more speed.',
          queries: {
            'connections {{group}}': sum('group', `firehose_group_connections${GROUP}`),
            'partitions {{group}}': sum('group', `firehose_group_partitions${GROUP}`),
          },
        },
      ],
    },
    {
      title: 'Durable groups: work',
      panels: [
        {
          title: 'Delivered and acknowledged',
          unit: 'ops',
          says: 'Both lines run together in a healthy group. Redeliveries mean that ackWait is too short or a client hangs.',
          queries: {
            'delivered {{group}}': ofGroup('firehose_group_deliveries_total'),
            'again {{group}}': ofGroup('firehose_group_redeliveries_total'),
            'acknowledged {{group}}': ofGroup('firehose_group_acknowledged_total'),
          },
        },
        {
          title: 'Not delivered',
          unit: 'ops',
          says: 'Dead letters failed at the clients; trimmed events left the log before they were read; poison breaks the format.',
          thresholds: { bad: 0.001 },
          alert: 'FirehoseDeadLetters',
          queries: {
            'dead letters {{group}}': ofGroup('firehose_group_dead_letters_total'),
            'trimmed {{group}}': ofGroup('firehose_group_trimmed_total'),
            'poison {{group}}': ofGroup('firehose_group_poison_total'),
          },
        },
        {
          title: 'Filtered out',
          unit: 'ops',
          says: 'Entries that are outside the scope of the group. A group that filters nearly everything costs reads for nothing.',
          queries: { '{{group}}': ofGroup('firehose_group_filtered_total') },
        },
        {
          title: 'Hand-overs',
          unit: 'ops',
          says: 'Partitions that moved between pods. Normal during rollouts; steady hand-overs mean pods that lose Redis or are overloaded.',
          queries: {
            'taken {{group}}': ofGroup('firehose_group_leases_taken_total'),
            'lost {{group}}': ofGroup('firehose_group_leases_lost_total'),
          },
        },
      ],
    },
    {
      title: 'Webhooks',
      panels: [
        {
          title: 'Requests',
          unit: 'ops',
          says: 'By what came of them. `endpoint` is a receiver that is away: everything waits. `event` is one that it refuses: only its call waits.',
          alert: 'FirehoseWebhookFailing',
          queries: {
            '{{group}} {{verdict}}': sum('group, verdict', rate('firehose_webhook_requests_total', GROUP)),
          },
        },
        {
          title: 'Time of a request',
          unit: 's',
          says: 'On average. Times the events a second it is the concurrency that a receiver needs.',
          queries: {
            '{{group}}': `${ofGroup('firehose_webhook_request_seconds_total')} / ${ofGroup('firehose_webhook_requests_total')}`,
          },
        },
        {
          title: 'Failing for',
          unit: 's',
          says: 'Time since the receiver took an event last, while it fails. At `disableAfter` the webhook is switched off.',
          thresholds: { bad: 600 },
          alert: 'FirehoseWebhookFailing',
          queries: { '{{job}} {{group}}': `min by (job, group) (firehose_webhook_failing_seconds${GROUP})` },
        },
        {
          title: 'State',
          unit: 'short',
          says: 'Pods that wait for a receiver, requests that are under way, and 1 while a webhook is off or held back.',
          thresholds: { bad: 1 },
          alert: 'FirehoseWebhookOff',
          queries: {
            'off {{group}}': `max by (group) (firehose_webhook_off${GROUP})`,
            'held back {{group}}': `max by (group) (firehose_webhook_held_back${GROUP})`,
            'paused {{group}}': sum('group', `firehose_webhook_paused${GROUP}`),
            'under way {{group}}': sum('group', `firehose_webhook_in_flight${GROUP}`),
          },
        },
      ],
    },
    {
      title: 'Webhooks that logins created',
      panels: [
        {
          title: 'States',
          unit: 'short',
          says: 'All of them together, by pod. Their owners see why one is paused; `held_back` is one without a secret, or whose owner may have nothing.',
          queries: { '{{state}} {{pod}}': sum('state, pod', `firehose_self_service_webhooks${IN}`) },
        },
        {
          title: 'Failing',
          unit: 'short',
          says: "Webhooks whose receivers take nothing. Few are their owners' matter, many at once a fault of this platform.",
          alert: 'FirehoseSelfServiceFailing',
          queries: { '{{job}}': `max by (job) (firehose_self_service_failing${IN})` },
        },
        {
          title: 'Furthest behind',
          unit: 'short',
          says: 'Undelivered entries of the one that is furthest behind. `firehose webhook list` names it.',
          queries: { '{{job}}': `max by (job) (firehose_self_service_lag${IN})` },
        },
      ],
    },
    {
      title: 'Sinks',
      panels: [
        {
          title: 'Messages',
          unit: 'ops',
          says: 'By what came of them. `endpoint` is a NATS that takes nothing: everything waits. `event` is a message that it refuses: only its call waits.',
          alert: 'FirehoseSinkFailing',
          queries: {
            '{{group}} {{verdict}}': sum('group, verdict', rate('firehose_sink_messages_total', GROUP)),
          },
        },
        {
          title: 'Time of a message',
          unit: 's',
          says: 'From its publication to the acknowledgement of the stream, on average.',
          queries: {
            '{{group}}': `${ofGroup('firehose_sink_message_seconds_total')} / ${ofGroup('firehose_sink_messages_total')}`,
          },
        },
        {
          title: 'Failing for',
          unit: 's',
          says: 'Time since the stream took an event last, while it fails. Events wait in the log.',
          thresholds: { bad: 600 },
          alert: 'FirehoseSinkFailing',
          queries: { '{{job}} {{group}}': `min by (job, group) (firehose_sink_failing_seconds${GROUP})` },
        },
        {
          title: 'State',
          unit: 'short',
          says: 'Pods that wait for NATS, messages that wait for their acknowledgement, and 1 while a sink is held back.',
          thresholds: { bad: 1 },
          alert: 'FirehoseSinkHeldBack',
          queries: {
            'held back {{group}}': `max by (group) (firehose_sink_held_back${GROUP})`,
            'paused {{group}}': sum('group', `firehose_sink_paused${GROUP}`),
            'under way {{group}}': sum('group', `firehose_sink_in_flight${GROUP}`),
          },
        },
      ],
    },
    {
      title: 'Live calls',
      panels: [
        {
          title: 'How far behind',
          unit: 's',
          says: 'The table of live calls behind the log. From 30 s on there are no snapshots, and no call is ended.',
          thresholds: { warn: 5, bad: 30 },
          alert: 'FirehoseCallsBehind',
          queries: { '{{pod}}': `max by (pod) (firehose_calls_behind_seconds${IN})` },
        },
        {
          title: 'Snapshots',
          unit: 'ops',
          says: 'Wallboards that join or heal, by outcome. Unavailable ones try again.',
          queries: { '{{outcome}}': sum('outcome', rate('firehose_calls_snapshots_total')) },
        },
        {
          title: 'Calls that were ended',
          unit: 'ops',
          says: 'Synthetic ends by reason: their switch said none. Late real ends beside them are calls that went on.',
          alert: 'FirehoseCallsLost',
          queries: {
            '{{reason}}': sum('reason', rate('firehose_calls_ends_total')),
            'late real ends': `sum(${rate('firehose_calls_late_ends_total')})`,
          },
        },
        {
          title: 'The table',
          unit: 'ops',
          says: 'Entries taken in, once in all pods. Refused writes are pods that race: normal in a rollout. Refused legs are of accounts that have too many.',
          alert: 'FirehoseCallsTooMany',
          queries: {
            entries: `sum(${rate('firehose_calls_entries_total')})`,
            'refused writes': `sum(${rate('firehose_calls_refused_writes_total')})`,
            'refused legs': `sum(${rate('firehose_calls_refused_legs_total')})`,
            rebuilds: `sum(${rate('firehose_calls_rebuilds_total')})`,
          },
        },
      ],
    },
    {
      title: 'Redis',
      panels: [
        {
          title: 'Ready connections',
          unit: 'short',
          says: '1 while ready, by role and pod. One pod at 0 is its network; all pods at 0 are Redis.',
          thresholds: { bad: 1, below: true },
          alert: 'FirehoseRedisAway',
          queries: { '{{role}} {{pod}}': `min by (role, pod) (firehose_redis_client_state${IN})` },
        },
        {
          title: 'Outages',
          unit: 'short',
          says: 'Lost connections, by role and error code. The gateway logs a remedy for each code.',
          alert: 'FirehoseRedisAway',
          queries: {
            '{{role}} {{code}}': sum('role, code', `increase(firehose_redis_errors_total${IN}[$__rate_interval])`),
          },
        },
      ],
    },
  ],
});
