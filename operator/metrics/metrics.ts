import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Meter } from '@opentelemetry/api';
import { createMeters } from '../../runtime/telemetry/meters.ts';

export type ReconcileResult = 'success' | 'requeue' | 'error';

/** What the metrics read at each scrape. */
export interface Observed {
  readonly queue: { readonly depth: number; readonly adds: number; readonly retries: number };
  readonly isLeader: () => boolean;
  /** Milliseconds since each watch was heard of, by plural. */
  readonly watchAges: () => ReadonlyMap<string, number>;
  readonly conditions: () => Iterable<ConditionSample>;
}

export interface ConditionSample {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly status: string;
}

/** controller-runtime's names, so that dashboards made for other operators work. */
export interface Metrics extends AsyncDisposable {
  observe(observed: Observed): void;
  reconciled(result: ReconcileResult, seconds: number): void;
  queued(seconds: number): void;
  requested(method: string, status: number): void;
  scrape(request: IncomingMessage, response: ServerResponse): void;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const CONTROLLER = { controller: 'firehosesubscription' };
const QUEUE = { name: 'firehosesubscription' };

export function createMetrics(): Metrics {
  const meters = createMeters('firehose-operator');
  const { meter } = meters;
  const seconds = { unit: 's', advice: { explicitBucketBoundaries: SECONDS } };
  const reconciles = meter.createCounter('controller_runtime_reconcile', { description: 'Passes by result' });
  const errors = meter.createCounter('controller_runtime_reconcile_errors', { description: 'Passes that failed' });
  const duration = meter.createHistogram('controller_runtime_reconcile_time_seconds', seconds);
  const waiting = meter.createHistogram('workqueue_queue_duration_seconds', seconds);
  const requests = meter.createCounter('rest_client_requests', { description: 'Answers of the API server' });
  return {
    observe: (observed) => observeAll(meter, observed),
    reconciled(result, took) {
      reconciles.add(1, { ...CONTROLLER, result });
      if (result === 'error') errors.add(1, CONTROLLER);
      duration.record(took, CONTROLLER);
    },
    queued: (took) => waiting.record(took, QUEUE),
    requested: (method, status) => requests.add(1, { method, code: String(status) }),
    scrape: (request, response) => meters.scrape(request, response),
    [Symbol.asyncDispose]: () => meters[Symbol.asyncDispose](),
  };
}

function observeAll(meter: Meter, observed: Observed): void {
  const { queue } = observed;
  meter.createObservableGauge('workqueue_depth').addCallback((result) => result.observe(queue.depth, QUEUE));
  meter.createObservableCounter('workqueue_adds').addCallback((result) => result.observe(queue.adds, QUEUE));
  meter.createObservableCounter('workqueue_retries').addCallback((result) => result.observe(queue.retries, QUEUE));
  meter
    .createObservableGauge('leader_election_master_status')
    .addCallback((result) => result.observe(observed.isLeader() ? 1 : 0, { name: 'firehose-operator' }));
  meter
    .createObservableGauge('firehose_watch_age_seconds', { description: 'Since the API server was last heard of' })
    .addCallback((result) => {
      for (const [resource, ms] of observed.watchAges()) result.observe(ms / 1_000, { resource });
    });
  meter
    .createObservableGauge('firehose_subscription_condition', { description: '1 while the condition is True' })
    .addCallback((result) => {
      for (const { status, ...labels } of observed.conditions())
        result.observe(status === 'True' ? 1 : 0, { ...labels });
    });
  meter
    .createObservableGauge('firehose_process_resident_memory_bytes')
    .addCallback((result) => result.observe(process.memoryUsage.rss()));
}
