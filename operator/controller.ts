import type { Span } from '@opentelemetry/api';
import { failed, inSpan } from '../runtime/telemetry/span.ts';
import { ApiError, ApiUnavailable } from './kubernetes/exchange.ts';
import { LeadershipLost } from './kubernetes/leader-election.ts';
import type { WorkQueue } from './kubernetes/work-queue.ts';
import type { Metrics } from './metrics/metrics.ts';
import type { Context } from './subscription/context.ts';
import type { Outcome } from './subscription/reconcile.ts';

/** One kind of resource, and how it is reconciled. */
export interface Controlled {
  /** For example `FirehoseSubscription`. */
  readonly kind: string;
  readonly reconcile: (context: Context, namespace: string, name: string) => Promise<Outcome>;
}

export interface ControllerOptions {
  readonly controlled: Controlled;
  readonly context: Context;
  readonly queue: WorkQueue;
  readonly metrics: Metrics;
  readonly workers: number;
  readonly signal: AbortSignal;
}

/** Processes the queue until the signal; resolves when the running passes are done. */
export async function runController(options: ControllerOptions): Promise<void> {
  await Promise.all(Array.from({ length: options.workers }, () => work(options)));
}

async function work(options: ControllerOptions): Promise<void> {
  const { queue, signal } = options;
  for (;;) {
    const key = await queue.take(signal);
    if (key === null) return;
    const waitedMs = queue.waitedMs(key);
    const { kind } = options.controlled;
    options.metrics.queued(kind, waitedMs / 1_000);
    const attributes = { [attributeOf(kind)]: key, 'firehose.queue.wait_ms': Math.round(waitedMs) };
    const ended = await inSpan(`reconcile ${kind}`, { root: true, attributes }, (span) => onePass(options, key, span));
    if (ended) return;
  }
}

/** True when this process must stop working. */
async function onePass(options: ControllerOptions, key: string, span: Span): Promise<boolean> {
  const { context, queue, metrics, signal } = options;
  const { kind, reconcile } = options.controlled;
  const start = performance.now();
  try {
    const { requeueAfterMs, why, generation } = await reconcile(context, ...split(key));
    span.setAttributes({
      'firehose.outcome': why,
      ...(generation !== undefined && { 'firehose.generation': generation }),
    });
    queue.forget(key);
    if (requeueAfterMs !== null) queue.addAfter(key, spread(requeueAfterMs));
    else if (why === 'gone') queue.drop(key);
    metrics.reconciled(kind, requeueAfterMs === null ? 'success' : 'requeue', (performance.now() - start) / 1_000);
    context.logger.debug({ resource: key, why, ms: Math.round(performance.now() - start), kind }, 'reconciled');
    return false;
  } catch (error) {
    failed(span, error);
    if (signal.aborted || error instanceof LeadershipLost) return true;
    metrics.reconciled(kind, 'error', (performance.now() - start) / 1_000);
    const waitMs = Math.round(queue.retry(key));
    const isForeseen = error instanceof ApiError || error instanceof ApiUnavailable;
    if (isForeseen)
      context.logger.warn({ resource: key, kind, waitMs, why: error.message }, 'reconcile failed; trying again');
    else
      context.logger.error(
        { resource: key, kind, waitMs, err: error },
        'unexpected error in a reconcile; trying again',
      );
    return false;
  } finally {
    queue.done(key);
  }
}

/** `firehose.subscription`, `firehose.source`. */
function attributeOf(kind: string): string {
  return `firehose.${kind.replace(/^Firehose/, '').toLowerCase()}`;
}

function split(key: string): [namespace: string, name: string] {
  const slash = key.indexOf('/');
  return [key.slice(0, slash), key.slice(slash + 1)];
}

/** Spreads repeated passes over time: resources that were created together drift apart. */
function spread(ms: number): number {
  return ms * (0.9 + Math.random() / 5);
}
