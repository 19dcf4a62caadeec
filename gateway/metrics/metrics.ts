import { readdir } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Meter } from '@opentelemetry/api';
import { createMeters } from '../../runtime/telemetry/meters.ts';
import type { FanoutCounters } from '../fanout/counters.ts';
import type { Groups, GroupStatus } from '../group/groups.ts';

export const CONNECTION_KINDS = ['plain', 'control', 'durable'] as const;
export type ConnectionKind = (typeof CONNECTION_KINDS)[number];

/** What the metrics read at each scrape; nothing of it is told per delivery. */
export interface Observed {
  readonly counters: FanoutCounters;
  /** Open connections, by contract. */
  readonly connections: () => Readonly<Record<ConnectionKind, number>>;
  readonly groups: Pick<Groups, 'counters' | 'status'>;
  readonly behind: () => number;
  /** 1 while the event log can be reached. */
  readonly isLogReachable: () => boolean;
}

/** Business events, counted. Labels are bounded: never a user, an account, a call or a token. */
export interface Metrics extends AsyncDisposable {
  observe(observed: Observed): void;
  loginFinished(outcome: string, seconds: number): void;
  handshake(status: number): void;
  sessionClosed(code: number): void;
  batchRead(entries: number): void;
  /** Ingest to socket write, of the oldest entry of a round. */
  delivered(seconds: number): void;
  ingested(source: 'http' | 'simulator', outcome: string, events: number): void;
  gap(reason: string): void;
  redisError(code: string): void;
  /** Prometheus exposition. */
  scrape(request: IncomingMessage, response: ServerResponse): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const BATCHES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];
/** Close codes with a name in the contract; anything else a peer sends is one label. */
const KNOWN_CODES: ReadonlySet<number> = new Set([
  1000, 1001, 1005, 1006, 1009, 1012, 1013, 4401, 4408, 4410, 4429, 4503,
]);

export function createMetrics(): Metrics {
  const meters = createMeters('firehose');
  const { meter } = meters;
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();

  const seconds = { unit: 's', advice: { explicitBucketBoundaries: SECONDS } };
  const logins = meter.createCounter('firehose_logins', { description: 'Logins by outcome' });
  const loginSeconds = meter.createHistogram('firehose_login_duration_seconds', seconds);
  const handshakes = meter.createCounter('firehose_handshakes', { description: 'WebSocket handshakes by HTTP status' });
  const closed = meter.createCounter('firehose_sessions_closed', { description: 'Sessions ended, by close code' });
  const batches = meter.createHistogram('firehose_read_batch_events', {
    description: 'Entries a read brought',
    advice: { explicitBucketBoundaries: BATCHES },
  });
  const latency = meter.createHistogram('firehose_delivery_latency_seconds', seconds);
  const ingest = meter.createCounter('firehose_ingest_events', { description: 'Events taken in, by outcome' });
  const gaps = meter.createCounter('firehose_gaps', { description: 'Losses that connections were told of' });
  const redisErrors = meter.createCounter('firehose_redis_errors', { description: 'Outages of Redis, by code' });
  observeProcess(meter, loop);

  return {
    observe: (observed) => {
      observeFanout(meter, observed);
      observeGroups(meter, observed.groups);
    },
    loginFinished(outcome, duration) {
      logins.add(1, { outcome });
      loginSeconds.record(duration);
    },
    handshake: (status) => handshakes.add(1, { status: String(status) }),
    sessionClosed: (code) => closed.add(1, { code: KNOWN_CODES.has(code) ? String(code) : 'other' }),
    batchRead: (entries) => batches.record(entries),
    delivered: (duration) => latency.record(duration),
    ingested: (source, outcome, events) => ingest.add(events, { source, outcome }),
    gap: (reason) => gaps.add(1, { reason }),
    redisError: (code) => redisErrors.add(1, { role: 'log', code }),
    scrape: (request, response) => meters.scrape(request, response),
    async [Symbol.asyncDispose]() {
      loop.disable();
      await meters[Symbol.asyncDispose]();
    },
  };
}

function observeFanout(meter: Meter, observed: Observed): void {
  const { counters } = observed;
  meter.createObservableGauge('firehose_connections', { description: 'Open connections' }).addCallback((result) => {
    const connections = observed.connections();
    for (const contract of CONNECTION_KINDS) result.observe(connections[contract], { contract });
  });
  meter
    .createObservableGauge('firehose_behind_connections', {
      description: 'Connections that pull because they are behind',
    })
    .addCallback((result) => result.observe(observed.behind()));
  meter
    .createObservableGauge('firehose_redis_client_state', { description: '1 while the event log can be reached' })
    .addCallback((result) => result.observe(observed.isLogReachable() ? 1 : 0, { role: 'log' }));
  meter
    .createObservableCounter('firehose_events_read', { description: 'Entries read from the log' })
    .addCallback((result) => {
      for (const [partition, events] of counters.eventsRead.entries()) {
        result.observe(events ?? 0, { partition: String(partition) });
      }
    });
  meter
    .createObservableCounter('firehose_events_unroutable', { description: 'Entries that reach nobody' })
    .addCallback((result) => {
      result.observe(counters.unknownAccount, { outcome: 'unknown_account' });
      result.observe(counters.poison, { outcome: 'poison' });
    });
  const totals = { deliveries: 'deliveries', deliveredBytes: 'delivered_bytes', writes: 'writes' } as const;
  for (const [counter, name] of Object.entries(totals)) {
    meter
      .createObservableCounter(`firehose_${name}`)
      .addCallback((result) => result.observe(counters[counter as keyof typeof totals]));
  }
}

/** What this replica does for the durable groups: of the resource as a whole, and by group where it is one's own. */
function observeGroups(meter: Meter, groups: Observed['groups']): void {
  const totals = {
    delivered: 'deliveries',
    redelivered: 'redeliveries',
    acknowledged: 'acknowledged',
    filtered: 'filtered',
    deadLettered: 'dead_letters',
    poison: 'poison',
    trimmed: 'trimmed',
    leasesTaken: 'leases_taken',
    leasesLost: 'leases_lost',
  } as const satisfies Record<keyof Groups['counters'], string>;
  for (const [counter, name] of Object.entries(totals)) {
    meter
      .createObservableCounter(`firehose_group_${name}`)
      .addCallback((result) => result.observe(groups.counters[counter as keyof typeof totals]));
  }
  const byGroup = {
    pending: (group: GroupStatus) => group.pending,
    connections: (group: GroupStatus) => group.connections,
    partitions: (group: GroupStatus) => group.partitions.length,
  };
  for (const [name, of] of Object.entries(byGroup)) {
    meter.createObservableGauge(`firehose_group_${name}`).addCallback((result) => {
      for (const status of groups.status()) result.observe(of(status), { group: status.group });
    });
  }
}

function observeProcess(meter: Meter, loop: ReturnType<typeof monitorEventLoopDelay>): void {
  meter
    .createObservableGauge('firehose_process_resident_memory_bytes')
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
  meter
    .createObservableGauge('firehose_process_open_descriptors', { description: 'Open files and sockets (Linux)' })
    .addCallback(async (result) => {
      const open = await readdir('/proc/self/fd').catch(() => null);
      if (open !== null) result.observe(open.length);
    });
  meter
    .createObservableGauge('firehose_event_loop_delay_seconds', { description: 'p99 since the last scrape' })
    .addCallback((result) => {
      result.observe(loop.percentile(99) / 1e9);
      loop.reset();
    });
}
