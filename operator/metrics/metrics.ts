import type { IncomingMessage, ServerResponse } from 'node:http';
import { createInstruments, type Instruments } from '../../runtime/telemetry/instruments.ts';
import { OPERATOR_METRICS } from './metric-table.ts';
import { createMeters } from '../../runtime/telemetry/meters.ts';

type ReconcileResult = 'success' | 'requeue' | 'error';

/** Values that the metrics read at each scrape. */
interface Queue {
  readonly depth: number;
  readonly adds: number;
  readonly retries: number;
}

interface Observed {
  /** By kind, for example `FirehoseSubscription`. */
  readonly queues: Readonly<Record<string, Queue>>;
  readonly isLeader: () => boolean;
  /** Milliseconds since the last data of each watch, by plural. */
  readonly watchAges: () => ReadonlyMap<string, number>;
  readonly subscriptions: () => Iterable<SubscriptionSample>;
  readonly sources: () => Iterable<ResourceSample>;
}

export interface ResourceSample {
  readonly namespace: string;
  readonly name: string;
  readonly conditions: readonly { readonly type: string; readonly status: string }[];
  /** How long it has been deleting, in milliseconds; 0 otherwise. */
  readonly deletingMs: number;
}

export interface SubscriptionSample extends ResourceSample {
  /** When its signing key is due for rotation, Unix milliseconds; null when the operator does not rotate it. */
  readonly rotationAt: number | null;
}

/** controller-runtime's names, so that dashboards for other operators work. */
export interface Metrics extends AsyncDisposable {
  observe(observed: Observed): void;
  reconciled(kind: string, result: ReconcileResult, seconds: number): void;
  queued(kind: string, seconds: number): void;
  requested(method: string, status: number): void;
  scrape(request: IncomingMessage, response: ServerResponse): void;
}

const KINDS = ['FirehoseSubscription', 'FirehoseSource'];
const controllerOf = (kind: string) => ({ controller: kind.toLowerCase() });
const queueOf = (kind: string) => ({ name: kind.toLowerCase() });

export function createMetrics(): Metrics {
  const meters = createMeters('firehose-operator');
  const instruments = createInstruments(meters.meter, OPERATOR_METRICS);
  const reconciles = instruments.counter('controller_runtime_reconcile_total');
  const errors = instruments.counter('controller_runtime_reconcile_errors_total');
  const duration = instruments.histogram('controller_runtime_reconcile_time_seconds');
  const waiting = instruments.histogram('workqueue_queue_duration_seconds');
  const requests = instruments.counter('rest_client_requests_total');
  // Exposed as 0 from the start, so that the first failure is an increase.
  for (const kind of KINDS) errors.add(0, controllerOf(kind));
  return {
    observe: (observed) => observeAll(instruments, observed),
    reconciled(kind, result, took) {
      reconciles.add(1, { ...controllerOf(kind), result });
      if (result === 'error') errors.add(1, controllerOf(kind));
      duration.record(took, controllerOf(kind));
    },
    queued: (kind, took) => waiting.record(took, queueOf(kind)),
    requested: (method, status) => requests.add(1, { method, code: String(status) }),
    scrape: (request, response) => meters.scrape(request, response),
    [Symbol.asyncDispose]: () => meters[Symbol.asyncDispose](),
  };
}

function observeAll(instruments: Instruments<typeof OPERATOR_METRICS>, observed: Observed): void {
  const figures = {
    workqueue_depth: 'depth',
    workqueue_adds_total: 'adds',
    workqueue_retries_total: 'retries',
  } as const;
  for (const [name, figure] of Object.entries(figures)) {
    instruments.observe(name as keyof typeof figures, (observe) => {
      for (const [kind, queue] of Object.entries(observed.queues)) observe(queue[figure], queueOf(kind));
    });
  }
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
  instruments.observe('firehose_source_condition', (observe) => {
    for (const { namespace, name, conditions } of observed.sources()) {
      for (const { type, status } of conditions) observe(status === 'True' ? 1 : 0, { namespace, name, type });
    }
  });
  instruments.observe('firehose_source_deletion_seconds', (observe) => {
    for (const { namespace, name, deletingMs } of observed.sources()) observe(deletingMs / 1_000, { namespace, name });
  });
  instruments.observe('firehose_subscription_key_rotation_timestamp_seconds', (observe) => {
    for (const { namespace, name, rotationAt } of observed.subscriptions())
      if (rotationAt !== null) observe(rotationAt / 1_000, { namespace, name });
  });
}
