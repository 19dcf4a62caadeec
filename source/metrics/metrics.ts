import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RedisMetrics, RedisRole } from '../../runtime/redis/watch-client.ts';
import { createInstruments } from '../../runtime/telemetry/instruments.ts';
import { createMeters } from '../../runtime/telemetry/meters.ts';
import { SOURCE_METRICS } from './metric-table.ts';
import { createSwitchMetrics, observeSwitches, type SourceFigures, type SwitchMetrics } from './switch-metrics.ts';

/** Counts business events of a source. Labels are bounded: never an account, a call or a credential. */
export interface SourceMetrics extends AsyncDisposable, RedisMetrics {
  ingested(source: 'simulator', outcome: string, events: number): void;
  /** For a source with switches. `kind` is its input: kazoo, freeswitch, asterisk. */
  switchesOf(source: string, kind: string): SwitchMetrics;
  /** `figures` are read at each scrape. */
  observeSwitches(source: string, figures: () => SourceFigures): void;
  /** Prometheus exposition. */
  scrape(request: IncomingMessage, response: ServerResponse): void;
}

export function createSourceMetrics(): SourceMetrics {
  const meters = createMeters('firehose');
  const instruments = createInstruments(meters.meter, SOURCE_METRICS);
  const ingest = instruments.counter('firehose_ingest_events_total');
  const redisErrors = instruments.counter('firehose_redis_errors_total');
  const clients = new Map<RedisRole, () => boolean>();
  instruments.observe('firehose_redis_client_state', (observe) => {
    for (const [role, isReady] of clients) observe(isReady() ? 1 : 0, { role });
  });
  instruments.observe('firehose_process_resident_memory_bytes', (observe) => observe(process.memoryUsage.rss()));
  return {
    ingested: (source, outcome, events) => ingest.add(events, { source, outcome, reason: '' }),
    redisError: (role, code) => redisErrors.add(1, { role, code }),
    redisClient: (role, isReady) => void clients.set(role, isReady),
    switchesOf: (source, kind) => createSwitchMetrics(instruments, { source, kind }),
    observeSwitches: (source, figures) => observeSwitches(instruments, { source, figures }),
    scrape: (request, response) => meters.scrape(request, response),
    [Symbol.asyncDispose]: () => meters[Symbol.asyncDispose](),
  };
}
