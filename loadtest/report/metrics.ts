import { Counter, Gauge, Rate, Trend } from 'k6/metrics';

/**
 * Metrics of the load tests in addition to k6's own. Counters are added up in the script and reported once a second.
 */
export const published = new Counter('firehose_published');
export const received = new Counter('firehose_received');
/** Never arrived. */
export const lost = new Counter('firehose_lost');
/** Received again, except right after a resume or as another attempt in a durable group. */
export const doubled = new Counter('firehose_doubled');
/** Arrived after a later event of its call. */
export const inverted = new Counter('firehose_inverted');
/** Received although it was not owed: of another account, or excluded by the filter. */
export const foreign = new Counter('firehose_foreign');
/** Received again right after a resume. */
export const repeated = new Counter('firehose_repeated_at_seam');
/** Losses that the gateway reported. */
export const gaps = new Counter('firehose_gaps');
/**
 * Each consumer adds 0 when it starts its accounting and 1 when it has finished: below a half, one has not finished.
 */
export const books = new Rate('firehose_books');
/** Milliseconds from publishing to receipt. */
export const latency = new Trend('firehose_latency', true);
/** Milliseconds of a successful handshake. */
export const handshake = new Trend('firehose_handshake', true);
export const handshakesRefused = new Counter('firehose_handshakes_refused');
/** 5xx without a time to retry. */
export const withoutRetryAfter = new Counter('firehose_5xx_without_retry_after');
/** Connections that the other side ended, except by a token's expiry. */
export const unexpectedCloses = new Counter('firehose_unexpected_closes');
export const reconnects = new Counter('firehose_reconnects');
export const loginTime = new Trend('firehose_login', true);
/** Milliseconds by which the producer is behind its own plan: this load generator or ingest is too slow. */
export const producerLag = new Trend('firehose_producer_lag', true);
/** Milliseconds by which the p99 of a virtual user's events is later in the rush than before it. */
export const moved = new Trend('firehose_latency_moved', true);
/** Correct logins that were neither accepted nor deferred as documented. */
export const loginsOdd = new Counter('firehose_logins_odd');
/** Correct logins of the rush that were accepted. */
export const loginsTaken = new Counter('firehose_logins_taken');
/** Wrong logins that were refused as documented. */
export const wrongRefused = new Counter('firehose_wrong_logins_refused');
/** Growth over the measured time, by a straight line, in percent of the mean. */
export const memoryGrowth = new Gauge('firehose_memory_growth_percent');
export const descriptorGrowth = new Gauge('firehose_descriptor_growth_percent');
/** Of a durable group: further attempts, acknowledgements that the gateway refused, and dead letters. */
export const redelivered = new Counter('firehose_redelivered');
export const acksRefused = new Counter('firehose_acks_refused');
export const deadLetters = new Counter('firehose_dead_letters');
/** Missing, with another reason, or of an event that should have none. */
export const deadLettersWrong = new Counter('firehose_dead_letters_wrong');
/** Of wallboards: whole snapshots by their reason, and calls that differ between a board and the next snapshot. */
export const snapshots = new Counter('firehose_snapshots');
export const drift = new Counter('firehose_drift');
/** Milliseconds from `snapshot_begin` to `snapshot_end`. */
export const snapshotTime = new Trend('firehose_snapshot_time', true);
/**
 * Of the breakpoint test: the last rate with which the gateway kept up, the first with which it did not, and p99s of
 * the steps.
 */
export const heldRate = new Gauge('firehose_held_events_per_second');
export const brokeAt = new Gauge('firehose_broke_at_events_per_second');
export const probeP99 = new Trend('firehose_probe_p99', true);
export const stepP99 = new Trend('firehose_step_p99', true);

/** Thresholds of every test that accounts for its events. */
export const ACCOUNTED = {
  firehose_lost: ['count==0'],
  firehose_doubled: ['count==0'],
  firehose_inverted: ['count==0'],
  firehose_foreign: ['count==0'],
  firehose_gaps: ['count==0'],
  firehose_received: ['count>0'],
  firehose_books: ['rate>=0.5'],
};

/**
 * A threshold without samples may pass: counters get 0 in `setup`, so that nothing published or received is a failure.
 */
export function beginCounting(): void {
  const all = [published, received, lost, doubled, inverted, foreign, repeated, gaps, reconnects, snapshots, drift];
  for (const counter of [...all, handshakesRefused, withoutRetryAfter, unexpectedCloses]) counter.add(0);
}
