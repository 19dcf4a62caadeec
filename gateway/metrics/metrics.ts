import { readdirSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createCallCounters, type CallCounters } from '../calls/counters.ts';
import { MISMATCHES, type Mismatch } from '../http/first-bytes.ts';
import type { UpstreamParts } from '../auth/upstream/upstream.ts';
import type { RefreshOutcome } from '../directory/http/http-directory.ts';
import { CLOSE } from '../../protocol/close-code.ts';
import { GAP_REASONS } from '../../protocol/server-frame.ts';
import { SOURCE_GAP_REASONS } from '../../protocol/source-gap.ts';
import type { RedisMetrics, RedisRole } from '../../runtime/redis/watch-client.ts';
import { createInstruments } from '../../runtime/telemetry/instruments.ts';
import { GATEWAY_METRICS } from './metric-table.ts';
import { createMeters } from '../../runtime/telemetry/meters.ts';
import { observeGateway, type GatewayInstruments, type Observed } from './observe-gateway.ts';

/** Counts business events. Labels are bounded: never a user, an account, a call or a token. */
export interface Metrics extends AsyncDisposable, RedisMetrics {
  observe(observed: Observed): void;
  /** When the served certificate expires, Unix milliseconds; null when it cannot be read. */
  observeCertificate(ends: () => number | null): void;
  loginFinished(outcome: string, seconds: number): void;
  handshake(status: number): void;
  quotaRefused(quota: 'account' | 'user' | 'replica'): void;
  /** An HTTP answer of the public port. */
  answered(status: number): void;
  mismatched(mismatch: Mismatch): void;
  dropped(limit: 'address' | 'replica'): void;
  revoked(outcome: string): void;
  sessionClosed(code: number): void;
  slowConsumerClosed(policy: string): void;
  /** The number of entries of each partition in one read. */
  batchRead(entries: ReadonlyMap<number, number>): void;
  /** Ingest to socket write, of the oldest entry of a read. */
  delivered(seconds: number): void;
  /** `reason` only where there is more than one. */
  ingested(source: 'http' | 'simulator', outcome: string, events: number, reason?: string): void;
  gap(reason: string): void;
  /** Counts of the keepers of the table of live calls. */
  observeCalls(counters: CallCounters): void;
  snapshotAsked(outcome: 'taken' | 'unavailable'): void;
  /** Real ends of legs that already had a synthetic one. */
  endedLate(ends: number): void;
  /** A gap of a source was read from the log. */
  sourceGap(reason: string): void;
  /** A login was sent to a server. */
  loginAsked: UpstreamParts['onAnswer'];
  /** The directory server was polled; `outcome` is bounded by its type. */
  directoryAsked(outcome: RefreshOutcome): void;
  /** Prometheus exposition. */
  scrape(request: IncomingMessage, response: ServerResponse): void;
}

/**
 * The close codes of the gateway and of ws, 1005 (a close without a code) and 1006 (no close); all other codes of peers
 * share one label.
 */
const KNOWN_CODES: ReadonlySet<number> = new Set([...Object.values(CLOSE), 1002, 1005, 1006, 1007, 1008, 1009]);

/** Exposed as 0 from the start, so that the first one is an increase. */
function startAtZero(instruments: GatewayInstruments): void {
  const counter: GatewayInstruments['counter'] = (name) => instruments.counter(name);
  for (const quota of ['account', 'user', 'replica']) counter('firehose_quota_refusals_total').add(0, { quota });
  for (const mismatch of MISMATCHES) counter('firehose_connection_mismatches_total').add(0, { mismatch });
  for (const limit of ['address', 'replica']) counter('firehose_connections_dropped_total').add(0, { limit });
  for (const policy of ['Latest', 'Disconnect']) counter('firehose_slow_consumer_closes_total').add(0, { policy });
  for (const reason of GAP_REASONS) counter('firehose_gaps_total').add(0, { reason });
  for (const reason of SOURCE_GAP_REASONS) counter('firehose_source_gaps_read_total').add(0, { reason });
  for (const outcome of ['taken', 'unavailable']) counter('firehose_calls_snapshots_total').add(0, { outcome });
  counter('firehose_calls_late_ends_total').add(0);
  counter('firehose_revocations_total').add(0, { outcome: 'revoked' });
}

/** All 0 without a table of live calls. Returns a function that sets the counters that are read. */
function observeCallCounters(instruments: GatewayInstruments): (counters: CallCounters) => void {
  let counters = createCallCounters();
  instruments.observe('firehose_calls_behind_seconds', (observe) =>
    observe(Math.max(0, ...counters.behindMs.filter((ms) => ms > 0)) / 1_000),
  );
  instruments.observe('firehose_calls_entries_total', (observe) => observe(counters.reduced));
  instruments.observe('firehose_calls_refused_writes_total', (observe) => observe(counters.refusedWrites));
  instruments.observe('firehose_calls_rebuilds_total', (observe) => observe(counters.rebuilds));
  instruments.observe('firehose_calls_refused_legs_total', (observe) => observe(counters.refusedLegs));
  instruments.observe('firehose_calls_ends_total', (observe) => {
    for (const [reason, ends] of Object.entries(counters.ends)) observe(ends, { reason });
  });
  return (kept) => {
    counters = kept;
  };
}

/** The table of live calls. */
function ofCalls(instruments: GatewayInstruments): Pick<Metrics, 'observeCalls' | 'snapshotAsked' | 'endedLate'> {
  const snapshots = instruments.counter('firehose_calls_snapshots_total');
  const lateEnds = instruments.counter('firehose_calls_late_ends_total');
  return {
    observeCalls: observeCallCounters(instruments),
    snapshotAsked: (outcome) => snapshots.add(1, { outcome }),
    endedLate: (ends) => lateEnds.add(ends),
  };
}

/** Memory, descriptors and the delay of the event loop; the caller stops the returned observer. */
function observeProcess(instruments: GatewayInstruments) {
  const loop = monitorEventLoopDelay({ resolution: 10 });
  loop.enable();
  instruments.observe('firehose_process_resident_memory_bytes', (observe) => observe(process.memoryUsage.rss()));
  instruments.observe('firehose_process_open_descriptors', (observe) => {
    const descriptors = openDescriptors();
    if (descriptors !== null) observe(descriptors);
  });
  instruments.observe('firehose_event_loop_delay_seconds', (observe) => {
    observe(loop.percentile(99) / 1e9);
    loop.reset();
  });
  return loop;
}

/** Null when the system does not report it. */
function openDescriptors(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}

/** Logins, and the origin of their accounts. */
function ofUsers(instruments: GatewayInstruments): Pick<Metrics, 'loginFinished' | 'loginAsked' | 'directoryAsked'> {
  const logins = instruments.counter('firehose_logins_total');
  const loginSeconds = instruments.histogram('firehose_login_duration_seconds');
  const upstream = instruments.histogram('firehose_login_upstream_seconds');
  const asked = instruments.counter('firehose_directory_refreshes_total');
  return {
    loginFinished(outcome, duration) {
      logins.add(1, { outcome });
      loginSeconds.record(duration, { outcome });
    },
    loginAsked: (backend, outcome, seconds) => upstream.record(seconds, { backend, outcome }),
    directoryAsked: (outcome) => asked.add(1, { outcome }),
  };
}

export function createMetrics(): Metrics {
  const meters = createMeters('firehose');
  const instruments = createInstruments(meters.meter, GATEWAY_METRICS);
  const loop = observeProcess(instruments);
  const handshakes = instruments.counter('firehose_handshakes_total');
  const answers = instruments.counter('firehose_http_answers_total');
  const mismatches = instruments.counter('firehose_connection_mismatches_total');
  const dropped = instruments.counter('firehose_connections_dropped_total');
  const refusals = instruments.counter('firehose_quota_refusals_total');
  const revocations = instruments.counter('firehose_revocations_total');
  const closed = instruments.counter('firehose_sessions_closed_total');
  const slow = instruments.counter('firehose_slow_consumer_closes_total');
  const batches = instruments.histogram('firehose_read_batch_events');
  const latency = instruments.histogram('firehose_delivery_latency_seconds');
  const ingest = instruments.counter('firehose_ingest_events_total');
  const gaps = instruments.counter('firehose_gaps_total');
  const sourceGaps = instruments.counter('firehose_source_gaps_read_total');
  const redisErrors = instruments.counter('firehose_redis_errors_total');
  startAtZero(instruments);
  const clients = new Map<RedisRole, () => boolean>();
  instruments.observe('firehose_redis_client_state', (observe) => {
    for (const [role, isReady] of clients) observe(isReady() ? 1 : 0, { role });
  });

  return {
    observe: (observed) => observeGateway(instruments, observed),
    observeCertificate: (ends) =>
      instruments.observe('firehose_certificate_expiry_timestamp_seconds', (observe) => {
        const at = ends();
        if (at !== null) observe(at / 1_000);
      }),
    ...ofUsers(instruments),
    handshake: (status) => handshakes.add(1, { status: String(status) }),
    answered: (status) => answers.add(1, { status: String(status) }),
    mismatched: (mismatch) => mismatches.add(1, { mismatch }),
    dropped: (limit) => dropped.add(1, { limit }),
    quotaRefused: (quota) => refusals.add(1, { quota }),
    revoked: (outcome) => revocations.add(1, { outcome }),
    sessionClosed: (code) => closed.add(1, { code: KNOWN_CODES.has(code) ? String(code) : 'other' }),
    slowConsumerClosed: (policy) => slow.add(1, { policy }),
    batchRead(entries) {
      for (const [partition, count] of entries) batches.record(count, { partition: String(partition) });
    },
    delivered: (duration) => latency.record(duration),
    ingested: (source, outcome, events, reason = '') => ingest.add(events, { source, outcome, reason }),
    gap: (reason) => gaps.add(1, { reason }),
    ...ofCalls(instruments),
    sourceGap: (reason) => sourceGaps.add(1, { reason }),
    redisError: (role, code) => redisErrors.add(1, { role, code }),
    redisClient: (role, isReady) => void clients.set(role, isReady),
    scrape: (request, response) => meters.scrape(request, response),
    async [Symbol.asyncDispose]() {
      loop.disable();
      await meters[Symbol.asyncDispose]();
    },
  };
}
