import type { IncomingMessage, ServerResponse } from 'node:http';
import { createInstruments } from '../../../runtime/telemetry/instruments.ts';
import { createMeters } from '../../../runtime/telemetry/meters.ts';
import { DIRECTORY_SERVER_METRICS } from './metric-table.ts';

type Answer = 'whole' | 'changes' | 'unchanged' | 'check' | 'refused' | 'not_ready';

/** What happens in a directory server, counted. */
export interface ServerMetrics extends AsyncDisposable {
  /** The platform was read; `outcome`: changed, unchanged or the code of what went wrong. `now`: Unix milliseconds. */
  read(outcome: string, now: number): void;
  answered(answer: Answer): void;
  pushed(outcome: 'told' | 'failed'): void;
  /** `size` is read at each scrape. */
  observe(size: () => { readonly accounts: number; readonly users: number }): void;
  observeBus(isUp: () => boolean): void;
  /** Prometheus exposition. */
  scrape(request: IncomingMessage, response: ServerResponse): void;
}

export function createServerMetrics(): ServerMetrics {
  const meters = createMeters('firehose');
  const instruments = createInstruments(meters.meter, DIRECTORY_SERVER_METRICS);
  const readings = instruments.counter('firehose_directory_server_readings_total');
  const answers = instruments.counter('firehose_directory_server_answers_total');
  const pushes = instruments.counter('firehose_directory_server_pushes_total');
  // Starts at 0, so that an alert sees the first increase.
  pushes.add(0, { outcome: 'failed' });
  let readAt = Date.now();
  instruments.observe('firehose_directory_server_age_seconds', (see) => see((Date.now() - readAt) / 1_000));
  instruments.observe('firehose_process_resident_memory_bytes', (see) => see(process.memoryUsage.rss()));
  return {
    read(outcome, now) {
      readings.add(1, { outcome });
      if (outcome === 'changed' || outcome === 'unchanged') readAt = now;
    },
    answered: (answer) => answers.add(1, { answer }),
    pushed: (outcome) => pushes.add(1, { outcome }),
    observe(size) {
      instruments.observe('firehose_directory_server_accounts', (see) => see(size().accounts));
      instruments.observe('firehose_directory_server_users', (see) => see(size().users));
    },
    observeBus(isUp) {
      instruments.observe('firehose_directory_server_bus_up', (see) => see(isUp() ? 1 : 0));
    },
    scrape: (request, response) => meters.scrape(request, response),
    [Symbol.asyncDispose]: () => meters[Symbol.asyncDispose](),
  };
}
