import { dashboard } from './dashboard.ts';

const IN = '{namespace=~"$namespace",job=~"$resource",pod=~"$pod"}';
const SWITCH = '{namespace=~"$namespace",job=~"$resource",pod=~"$pod",switch=~"$switch"}';
const rate = (metric: string, where = SWITCH) => `rate(${metric}${where}[$__rate_interval])`;
const increase = (metric: string, time: string) => `increase(${metric}${SWITCH}[${time}])`;
const sum = (by: string, of: string) => `sum by (${by}) (${of})`;
/** Over the replicas of a source: one replica that listens or publishes suffices. */
const any = (metric: string) => `max by (namespace, source, switch) (${metric}${SWITCH})`;
const quantile = (q: number, metric: string) => `histogram_quantile(${q}, sum by (le) (${rate(`${metric}_bucket`)}))`;

export const SOURCES = dashboard({
  uid: 'firehose-sources',
  title: 'Firehose / Sources',
  variables: [
    { name: 'namespace', title: 'Namespace', metric: 'firehose_source_up', label: 'namespace' },
    {
      name: 'resource',
      title: 'Source',
      metric: 'firehose_source_up',
      label: 'job',
      where: 'namespace=~"$namespace"',
    },
    {
      name: 'pod',
      title: 'Pod',
      metric: 'firehose_source_up',
      label: 'pod',
      where: 'namespace=~"$namespace",job=~"$resource"',
    },
    {
      name: 'switch',
      title: 'Switch',
      metric: 'firehose_source_up',
      label: 'switch',
      where: 'namespace=~"$namespace",job=~"$resource"',
    },
  ],
  rows: [
    {
      title: 'Is it well?',
      panels: [
        {
          title: 'Switches that nobody listens to',
          unit: 'short',
          kind: 'stat',
          says: 'Switches of which no replica hears anything. Their calls are missing from the log from that moment on.',
          thresholds: { bad: 1 },
          alert: 'FirehoseSourceDown',
          queries: { switches: `count(${any('firehose_source_up')} == 0) or vector(0)` },
        },
        {
          title: 'Switches that nobody publishes',
          unit: 'short',
          kind: 'stat',
          says: 'Switches for which no replica holds the lease. For some seconds that is normal when a pod is replaced.',
          thresholds: { bad: 1 },
          alert: 'FirehoseSourceNoLeader',
          queries: { switches: `count(${any('firehose_source_leading')} == 0) or vector(0)` },
        },
        {
          title: 'Gaps in the last hour',
          unit: 'short',
          kind: 'stat',
          says: 'Times in which no replica listened to a switch. Control clients receive each of them.',
          thresholds: { warn: 1 },
          alert: 'FirehoseSourceGap',
          queries: { gaps: `sum(${increase('firehose_source_gaps_total', '1h')})` },
        },
        {
          title: 'Fullest backlog',
          unit: 'percentunit',
          kind: 'stat',
          says: 'Share of what a source can hold that waits for the log. At 100 % events are lost, and a gap is reported.',
          thresholds: { warn: 0.1, bad: 0.5 },
          alert: 'FirehoseSourceBacklog',
          queries: {
            share: `max(firehose_source_backlog_events${SWITCH} / (firehose_source_backlog_limit_events${SWITCH} > 0))`,
          },
        },
        {
          title: 'Events without an account',
          unit: 'percentunit',
          kind: 'stat',
          says: 'Share of the appended events that reach nobody, because neither the switch nor a rule names an account.',
          thresholds: { warn: 0.001, bad: 0.01 },
          alert: 'FirehoseSourceUnattributed',
          queries: {
            share: `sum(${rate('firehose_source_unattributed_total')}) / (sum(${rate('firehose_ingest_events_total', '{namespace=~"$namespace",job=~"$resource",pod=~"$pod",outcome="accepted"}')}) > 0)`,
          },
        },
      ],
    },
    {
      title: 'Connections',
      panels: [
        {
          title: 'Replicas that listen',
          unit: 'short',
          says: 'Of each switch. One is enough to lose nothing now; with a single one every restart of it makes a gap.',
          thresholds: { warn: 2, bad: 1, below: true },
          alert: 'FirehoseSourceDown',
          queries: { '{{source}} {{switch}}': sum('source, switch', `firehose_source_up${SWITCH}`) },
        },
        {
          title: 'Leader',
          unit: 'short',
          says: '1 for the pod that publishes a switch. A leader that changes often means pods that lose Redis or the switch.',
          queries: { '{{switch}} {{pod}}': sum('switch, pod', `firehose_source_leading${SWITCH}`) },
        },
        {
          title: 'Attempts to connect',
          unit: 'short',
          says: 'By outcome. Live is a success; every other outcome is the reason that the runbook explains.',
          alert: 'FirehoseSourceDown',
          queries: {
            '{{switch}} {{outcome}}': sum(
              'switch, outcome',
              increase('firehose_source_connects_total', '$__rate_interval'),
            ),
          },
        },
        {
          title: 'Time to know the legs',
          unit: 's',
          says: 'From a subscription until the list of calls was compared, p99. It delays the first events after a reconnect.',
          queries: { p99: quantile(0.99, 'firehose_source_resync_seconds') },
        },
      ],
    },
    {
      title: 'Events',
      panels: [
        {
          title: 'Read from the switches',
          unit: 'ops',
          says: 'On all replicas: each of them reads every event. 0 while calls are made means that the switch sends nothing.',
          queries: { '{{switch}} {{outcome}}': sum('switch, outcome', rate('firehose_source_events_total')) },
        },
        {
          title: 'Dropped and malformed',
          unit: 'ops',
          says: 'By reason. Events without a name in the catalogue are normal; malformed ones are a switch of an unknown version.',
          queries: {
            '{{reason}}': sum(
              'reason',
              rate('firehose_source_events_total', '{namespace=~"$namespace",job=~"$resource",outcome!="forwarded"}'),
            ),
          },
        },
        {
          title: 'Appended to the log',
          unit: 'ops',
          says: 'By outcome. Duplicates are normal after a takeover; failed ones are tried again until the log takes them.',
          queries: { '{{outcome}}': sum('outcome', rate('firehose_ingest_events_total', IN)) },
        },
        {
          title: 'Switch to log',
          unit: 's',
          says: 'From the time that the switch gives an event to its append. A constant offset is a clock that is wrong.',
          thresholds: { bad: 5 },
          queries: {
            p50: quantile(0.5, 'firehose_source_lag_seconds'),
            p99: quantile(0.99, 'firehose_source_lag_seconds'),
          },
        },
      ],
    },
    {
      title: 'Losses and corrections',
      panels: [
        {
          title: 'Time without a listener',
          unit: 's',
          says: 'Length of the gaps by reason. Two replicas on different nodes avoid those of a restart.',
          alert: 'FirehoseSourceGap',
          queries: {
            '{{switch}} {{reason}}': sum(
              'switch, reason',
              increase('firehose_source_gap_seconds_total', '$__rate_interval'),
            ),
          },
        },
        {
          title: 'Backlog',
          unit: 'short',
          says: 'Events that wait for the log: in the queue of the bus, or in the memory of the leader.',
          thresholds: { bad: 100_000 },
          alert: 'FirehoseSourceBacklog',
          queries: {
            'waiting {{switch}}': any('firehose_source_backlog_events'),
            'kept {{switch}} {{pod}}': sum('switch, pod', `firehose_source_kept_events${SWITCH}`),
          },
        },
        {
          title: 'Given up',
          unit: 'ops',
          says: 'Events that left the memory before the log was back. The gap `overflow` covers their time.',
          thresholds: { bad: 0.001 },
          alert: 'FirehoseSourceBacklog',
          queries: { '{{switch}}': sum('switch', rate('firehose_source_overflowed_total')) },
        },
        {
          title: 'Synthetic events',
          unit: 'ops',
          says: 'Beginnings and ends that the switch did not send: after a gap, or for legs that were never announced.',
          queries: { '{{switch}} {{name}}': sum('switch, name', rate('firehose_source_synthetic_total')) },
        },
      ],
    },
    {
      title: 'Calls and process',
      panels: [
        {
          title: 'Live legs',
          unit: 'short',
          says: 'As the source knows them. A line that only rises is a switch whose ends are not received.',
          queries: { '{{source}} {{switch}}': any('firehose_source_live_legs') },
        },
        {
          title: 'Redis',
          unit: 'short',
          says: '1 while every connection to Redis is ready. At 0 nothing enters the log, and the backlog grows.',
          thresholds: { bad: 1, below: true },
          alert: 'FirehoseRedisAway',
          queries: { '{{role}} {{pod}}': `min by (role, pod) (firehose_redis_client_state${IN})` },
        },
        {
          title: 'Memory',
          unit: 'bytes',
          says: 'Of each pod. It grows with the backlog, by at most 64 MiB a source, and falls again after it.',
          queries: {
            '{{pod}}': `firehose_process_resident_memory_bytes${IN}`,
            'kept events {{pod}}': `sum by (pod) (firehose_source_ring_bytes${IN})`,
          },
        },
      ],
    },
  ],
});
