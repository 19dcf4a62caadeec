import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { sourceKind } from '../protocol/source.ts';
import { durationMs } from '../protocol/subscription/duration.ts';
import type { Logger } from '../runtime/logging/logger.ts';
import { openInnerListener } from '../runtime/http/inner-listener.ts';
import { createSourceMetrics, type SourceMetrics } from './metrics/metrics.ts';
import { followSource } from './config/follow-source.ts';
import { openProducer } from './producers/open-producer.ts';
import { LogUnavailable, type EventLog } from '../event-log/event-log.ts';
import { openRedisLog } from '../event-log/redis-log.ts';
import { tracedDestination } from '../event-log/trace/messaging.ts';
import { traceAppends } from '../event-log/trace/traced-appends.ts';
import { watchClient } from '../runtime/redis/watch-client.ts';
import { registerSource, type RegisterOptions } from './register-source.ts';
import type { SourceConfig } from './source-config.ts';

/** A running source. */
export interface Source extends AsyncDisposable {
  readonly port: number;
  /** Rejects with the unexpected error that ended it. */
  readonly ended: Promise<void>;
}

const LOOK_EVERY_MS = 2_000;

/** Opens all parts in order, and releases them in reverse. */
export async function buildSource(config: SourceConfig, logger: Logger, now: () => number = Date.now): Promise<Source> {
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  const metrics = stack.use(createSourceMetrics());
  const { redis, spec } = config;
  const { keyPrefix } = spec.redis;
  const { partitions, waitReplicas, retention } = spec.stream;
  const eventLog = stack.use(
    await openRedisLog({
      redis,
      keyPrefix,
      partitions,
      waitReplicas,
      retention: { maxLength: retention.maxLength, maxAgeMs: durationMs(retention.maxAge) },
      resource: null,
      logger,
      onClient: (role, client) => watchClient(role, client, metrics),
    }),
  );
  const destination = tracedDestination({ destination: `${keyPrefix}{p}:events`, system: 'redis' });
  const producer = stack.use(
    await openProducer({
      config,
      replica: `${hostname()}-${randomBytes(4).toString('hex')}`,
      eventLog: { append: traceAppends(eventLog, destination).append, partitions },
      client: eventLog.client,
      metrics,
      logger,
      now,
      signal: stop.signal,
    }),
  );
  const health = { fault: 'not looked at yet' as string | null };
  const looking = keepLooking(eventLog, stop.signal, (fault) => {
    health.fault = fault;
  });
  const registering = register(config, { client: eventLog.client, now, signal: stop.signal });
  const following = followSource({
    places: config.places,
    initial: config,
    onChange: (changed) => producer.follow(changed),
    logger,
    signal: stop.signal,
  });
  const ended = Promise.all([producer.ended, looking, registering, following]).then(() => undefined);
  // A caller that awaits `failed` gets the rejection. Without such a caller the rejection must not end the process.
  ended.catch(() => undefined);
  stack.defer(async () => {
    stop.abort();
    await Promise.allSettled([looking, registering, following]);
  });
  const app = listenerFor(() => unreadiness(health.fault, producer.behind()), metrics);
  const listener = stack.use(await openInnerListener({ host: config.host, port: config.port, app, logger }));
  const owned = stack.move();
  return { port: listener.port, ended, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function register(
  { name: source, spec }: SourceConfig,
  parts: Pick<RegisterOptions, 'client' | 'now' | 'signal'>,
): Promise<void> {
  return registerSource({ ...parts, keyPrefix: spec.redis.keyPrefix, source, kind: sourceKind(spec) });
}

/** Checks every two seconds whether the streams exist as expected. The report is null or the code of the fault. */
async function keepLooking(
  eventLog: EventLog,
  signal: AbortSignal,
  say: (fault: string | null) => void,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await eventLog.state();
      say(null);
    } catch (error) {
      if (!(error instanceof LogUnavailable)) throw error;
      say(error.code);
    }
    await delay(LOOK_EVERY_MS, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

/**
 * Why this replica is not ready yet, so that a rollout keeps the old ones; null when it is ready. An unreachable switch
 * is not a reason.
 */
function unreadiness(fault: string | null, behind: readonly string[]): string | null {
  if (fault !== null) return `the event log: ${fault}`;
  return behind.length === 0 ? null : `not in step with the other replicas: ${behind.join(', ')}`;
}

/** `/livez`, `/readyz` and `/metrics`, for the platform. */
function listenerFor(fault: () => string | null, metrics: SourceMetrics): RequestListener {
  return (request, response) => {
    if (request.url === '/metrics') return metrics.scrape(request, response);
    const why = fault();
    const answers: Readonly<Record<string, readonly [status: number, text: string]>> = {
      '/livez': [200, 'ok'],
      '/readyz': why === null ? [200, 'ok'] : [503, why],
    };
    const [status, text] = answers[request.url ?? ''] ?? [404, 'not found'];
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
  };
}
