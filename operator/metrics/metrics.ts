import type { IncomingMessage, ServerResponse } from 'node:http';
import { createInstruments, type Instruments } from '../../runtime/telemetry/instruments.ts';
import { OPERATOR_METRICS } from './metric-table.ts';
import { createMeters } from '../../runtime/telemetry/meters.ts';

type ReconcileResult = 'success' | 'requeue' | 'error';

/** What the metrics read at each scrape. */
interface Observed {
  readonly queue: { readonly depth: number; readonly adds: number; readonly retries: number };
  readonly isLeader: () => boolean;
  /** Milliseconds since each watch last received something, by plural. */
  readonly watchAges: () => ReadonlyMap<string, number>;
  readonly subscriptions: () => Iterable<SubscriptionSample>;
}

export interface SubscriptionSample {
  readonly namespace: string;
  readonly name: string;
  readonly conditions: readonly { readonly type: string; readonly status: string }[];
  /** For how long it is being deleted, in milliseconds; 0 while it is not. */
  readonly deletingMs: number;
  /** When its signing key is due to be rotated, Unix milliseconds; null when it is not rotated here. */
  readonly rotationAt: number | null;
}

/** controller-runtime's names, so that dashboards made for other operators work. */
export interface Metrics extends AsyncDisposable {
  observe(observed: Observed): void;
  reconciled(result: ReconcileResult, seconds: number): void;
  queued(seconds: number): void;
  requested(method: string, status: number): void;
  scrape(request: IncomingMessage, response: ServerResponse): void;
}

const CONTROLLER = { controller: 'firehosesubscription' };
const QUEUE = { name: 'firehosesubscription' };

export function createMetrics(): Metrics {
  const meters = createMeters('firehose-operator');
  const instruments = createInstruments(meters.meter, OPERATOR_METRICS);
  const reconciles = instruments.counter('controller_runtime_reconcile_total');
  const errors = instruments.counter('controller_runtime_reconcile_errors_total');
  const duration = instruments.histogram('controller_runtime_reconcile_time_seconds');
  const waiting = instruments.histogram('workqueue_queue_duration_seconds');
  const requests = instruments.counter('rest_client_requests_total');
  // Exposed as 0 from the start, so that the first failure is seen as a step.
  errors.add(0, CONTROLLER);
  return {
    observe: (observed) => observeAll(instruments, observed),
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

function observeAll(instruments: Instruments<typeof OPERATOR_METRICS>, observed: Observed): void {
  const { queue } = observed;
  instruments.observe('workqueue_depth', (observe) => observe(queue.depth, QUEUE));
  instruments.observe('workqueue_adds_total', (observe) => observe(queue.adds, QUEUE));
  instruments.observe('workqueue_retries_total', (observe) => observe(queue.retries, QUEUE));
  instruments.observe('leader_election_master_status', (observe) =>
    observe(observed.isLeader() ? 1 : 0, { name: 'firehose-operator' }),
  );
  instruments.observe('firehose_process_resident_memory_bytes', (observe) => observe(process.memoryUsage.rss()));
  instruments.observe('firehose_watch_age_seconds', (observe) => {
    for (const [resource, ms] of observed.watchAges()) observe(ms / 1_000, { resource });
  });
  instruments.observe('firehose_subscription_condition', (observe) => {
    for (const { namespace, name, conditions } of observed.subscriptions()) {
      for (const { type, status } of conditions) observe(status === 'True' ? 1 : 0, { namespace, name, type });
    }
  });
  instruments.observe('firehose_subscription_deletion_seconds', (observe) => {
    for (const { namespace, name, deletingMs } of observed.subscriptions())
      observe(deletingMs / 1_000, { namespace, name });
  });
  instruments.observe('firehose_subscription_key_rotation_timestamp_seconds', (observe) => {
    for (const { namespace, name, rotationAt } of observed.subscriptions())
      if (rotationAt !== null) observe(rotationAt / 1_000, { namespace, name });
  });
}
