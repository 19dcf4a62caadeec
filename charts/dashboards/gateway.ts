import { dashboard } from './dashboard.ts';

const IN = '{namespace=~"$namespace",job=~"$resource",pod=~"$pod"}';
const rate = (metric: string) => `rate(${metric}${IN}[$__rate_interval])`;
const sum = (by: string, of: string) => `sum by (${by}) (${of})`;
const quantile = (q: number, metric: string) =>
  `histogram_quantile(${q}, sum by (le) (rate(${metric}_bucket${IN}[$__rate_interval])))`;
const BEHIND = `sum(firehose_behind_connections${IN}) / (sum(firehose_connections${IN}) > 0)`;

export const GATEWAY = dashboard({
  uid: 'firehose-gateway',
  title: 'Firehose / Gateway',
  variables: [
    { name: 'namespace', title: 'Namespace', metric: 'firehose_connections', label: 'namespace' },
    {
      name: 'resource',
      title: 'Resource',
      metric: 'firehose_connections',
      label: 'job',
      where: 'namespace=~"$namespace"',
    },
    {
      name: 'pod',
      title: 'Pod',
      metric: 'firehose_connections',
      label: 'pod',
      where: 'namespace=~"$namespace",job=~"$resource"',
    },
  ],
  rows: [
    {
      title: 'Is it well?',
      panels: [
        {
          title: 'Connections',
          unit: 'short',
          kind: 'stat',
          says: 'Open connections of the selected gateways. A sudden drop means a rollout, a network fault or a gateway that ended.',
          queries: { open: `sum(firehose_connections${IN})` },
        },
        {
          title: 'Redis',
          unit: 'short',
          kind: 'stat',
          says: '1 while every connection to Redis is ready. At 0 at least one is not: events or logins wait.',
          thresholds: { bad: 1, below: true },
          alert: 'FirehoseRedisAway',
          queries: { ready: `min(firehose_redis_client_state${IN})` },
        },
        {
          title: 'Delivery, p99',
          unit: 's',
          kind: 'stat',
          says: 'Time from ingest to the socket. Above one second something is overloaded or a clock is wrong.',
          thresholds: { warn: 0.25, bad: 1 },
          alert: 'FirehoseDeliveryLatency',
          queries: { p99: quantile(0.99, 'firehose_delivery_latency_seconds') },
        },
        {
          title: 'Connections behind',
          unit: 'percentunit',
          kind: 'stat',
          says: 'Share of the connections that read more slowly than events arrive. A tenth raises an alert.',
          thresholds: { warn: 0.05, bad: 0.1 },
          alert: 'FirehoseSlowConsumers',
          queries: { share: BEHIND },
        },
        {
          title: 'Losses in the last hour',
          unit: 'short',
          kind: 'stat',
          says: 'Gaps that connections were told of. Anything above 0 means that clients have missed events.',
          thresholds: { bad: 1 },
          alert: 'FirehoseGaps',
          queries: { gaps: `sum(increase(firehose_gaps_total${IN}[1h]))` },
        },
        {
          title: 'Certificate expires',
          unit: 'dateTimeFromNow',
          kind: 'stat',
          says: 'When the served certificate expires. Less than a week means that its renewal does not work.',
          alert: 'FirehoseCertificateExpiry',
          queries: { '{{job}}': `min by (job) (firehose_certificate_expiry_timestamp_seconds${IN}) * 1000` },
        },
      ],
    },
    {
      title: 'Connections',
      panels: [
        {
          title: 'Open connections',
          unit: 'short',
          says: 'By contract: plain, control or durable. Compare with spec.gateway.connections.maxPerReplica.',
          queries: { '{{contract}}': sum('contract', `firehose_connections${IN}`) },
        },
        {
          title: 'Handshakes',
          unit: 'ops',
          says: '101 is a connection. 401 is a missing or expired token, 403 a right that is missing, 429 a quota, 503 a gateway that drains or lacks Redis.',
          queries: { '{{status}}': sum('status', rate('firehose_handshakes_total')) },
        },
        {
          title: 'Connections ended, by close code',
          unit: 'ops',
          says: 'The codes are in the client documentation. Many 4408 point to dead peers, 4429 to floods, 1012 to a rollout.',
          queries: { '{{code}}': sum('code', rate('firehose_sessions_closed_total')) },
        },
        {
          title: 'Refused for a limit',
          unit: 'ops',
          says: 'Handshakes refused by a quota. Raise the named limit, or find the client that opens too many connections.',
          queries: { '{{quota}}': sum('quota', rate('firehose_quota_refusals_total')) },
        },
      ],
    },
    {
      title: 'Delivery',
      panels: [
        {
          title: 'Deliveries',
          unit: 'ops',
          says: 'Events written to sockets, by pod. Pods should be alike; one that stands out has the connections of a large account.',
          queries: { '{{pod}}': sum('pod', rate('firehose_deliveries_total')) },
        },
        {
          title: 'Bytes',
          unit: 'Bps',
          says: 'Bytes of events written to sockets, by pod. Compare with the bandwidth of the node.',
          queries: { '{{pod}}': sum('pod', rate('firehose_delivered_bytes_total')) },
        },
        {
          title: 'Events in a write',
          unit: 'short',
          says: 'A write is what a delivery costs: more events in each is cheaper. It grows with the load by itself.',
          queries: {
            'events a write': `sum(${rate('firehose_deliveries_total')}) / sum(${rate('firehose_writes_total')})`,
          },
        },
        {
          title: 'Ingest to socket write',
          unit: 's',
          says: 'Of the oldest entry of each read. If p99 rises alone, check the event loop delay; if both rise, check Redis.',
          thresholds: { bad: 1 },
          alert: 'FirehoseDeliveryLatency',
          queries: {
            p50: quantile(0.5, 'firehose_delivery_latency_seconds'),
            p99: quantile(0.99, 'firehose_delivery_latency_seconds'),
          },
        },
      ],
    },
    {
      title: 'Compression',
      panels: [
        {
          title: 'Bytes saved',
          unit: 'percentunit',
          says: 'Share of the bytes of events that compression kept from the wire. Near 0 while clients are connected: they do not offer it, a proxy removes the offer, or CPU is short.',
          queries: {
            saved: `sum(${rate('firehose_compression_saved_bytes_total')}) / (sum(${rate('firehose_compression_saved_bytes_total')}) + sum(${rate('firehose_delivered_bytes_total')}))`,
          },
        },
        {
          title: 'Time spent on compressing',
          unit: 'percentunit',
          says: 'Share of a core, by pod. Above a third, many small sets of connections each want other events: consider turning compression off.',
          queries: { '{{pod}}': sum('pod', rate('firehose_compression_seconds_total')) },
        },
        {
          title: 'Forms of an event',
          unit: 'short',
          says: 'Forms in use, by pod: with or without meta, by each set of privacy profiles, compressed or not.',
          queries: { '{{pod}}': `max by (pod) (firehose_encodings${IN})` },
        },
      ],
    },
    {
      title: 'Slow connections and losses',
      panels: [
        {
          title: 'Connections behind',
          unit: 'short',
          says: 'Connections that read from the log because they are behind. A constant number is a slow client, a rising one a slow network or pod.',
          alert: 'FirehoseSlowConsumers',
          queries: { '{{pod}}': sum('pod', `firehose_behind_connections${IN}`) },
        },
        {
          title: 'Closed for being slow',
          unit: 'ops',
          says: 'By slowConsumerPolicy. With CatchUp it stays at 0 unless the log has trimmed what was not read.',
          alert: 'FirehoseSlowConsumers',
          queries: { '{{policy}}': sum('policy', rate('firehose_slow_consumer_closes_total')) },
        },
        {
          title: 'Gaps',
          unit: 'ops',
          says: 'Losses that connections were told of, and gaps of sources, by reason. The runbook has a remedy for each reason.',
          alert: 'FirehoseGaps',
          queries: {
            '{{reason}}': sum('reason', rate('firehose_gaps_total')),
            'source {{reason}}': `max by (reason) (${rate('firehose_source_gaps_read_total')})`,
          },
        },
      ],
    },
    {
      title: 'Logins and tokens',
      panels: [
        {
          title: 'Logins',
          unit: 'ops',
          says: 'By outcome. Many refused ones are a wrong password in a client or an attack; 503 means that hashing is saturated.',
          queries: { '{{outcome}}': sum('outcome', rate('firehose_logins_total')) },
        },
        {
          title: 'Time a login takes',
          unit: 's',
          says: 'Dominated by password hashing. A rising p99 means that logins queue: reuse tokens or add replicas.',
          thresholds: { warn: 1, bad: 2 },
          queries: {
            p50: quantile(0.5, 'firehose_login_duration_seconds'),
            p99: quantile(0.99, 'firehose_login_duration_seconds'),
          },
        },
        {
          title: 'Faults of the directory',
          unit: 'short',
          says: 'Above 0 an older directory is in force: new users cannot log in, and removed accounts still can.',
          thresholds: { bad: 1 },
          alert: 'FirehoseDirectoryFaults',
          queries: { '{{pod}}': `max by (pod) (firehose_directory_faults${IN})` },
        },
        {
          title: 'Revocations',
          unit: 'short',
          says: 'Revocations in force must be the same on all pods within seconds. A pod that lags has lost Redis.',
          queries: {
            'in force': `max(firehose_revocations_in_force${IN})`,
            'asked for, {{outcome}}': sum('outcome', `increase(firehose_revocations_total${IN}[$__rate_interval])`),
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
          says: 'Resident memory by pod. It follows the connections; growth at a constant number of connections is a leak.',
          queries: { '{{pod}}': sum('pod', `firehose_process_resident_memory_bytes${IN}`) },
        },
        {
          title: 'Open descriptors',
          unit: 'short',
          says: 'One for each connection and about fifty more. Compare with the limit of the container runtime.',
          queries: { '{{pod}}': sum('pod', `firehose_process_open_descriptors${IN}`) },
        },
        {
          title: 'Event loop delay, p99',
          unit: 's',
          says: 'Above 100 ms the pod needs more CPU or has too many connections.',
          thresholds: { warn: 0.1, bad: 0.5 },
          queries: { '{{pod}}': `max by (pod) (firehose_event_loop_delay_seconds${IN})` },
        },
      ],
    },
  ],
});
