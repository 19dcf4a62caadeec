import { createSimulator } from '../../protocol/simulator/simulator.ts';
import type { Log } from '../../runtime/log/log.ts';
import type { GatewayConfig } from '../config.ts';
import type { LiveDirectory } from '../directory/directory.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { EventLog } from '../stream/event-log.ts';
import { runSimulator } from './simulator-source.ts';

export interface SimulatorParts {
  readonly config: GatewayConfig;
  readonly directory: LiveDirectory;
  readonly eventLog: Pick<EventLog, 'append'>;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Lets simulated calls happen in the accounts of the directory as it is now, until `stack` is released. */
export function startSimulator(stack: AsyncDisposableStack, parts: SimulatorParts): void {
  const { config, directory, eventLog, metrics, log } = parts;
  if (config.simulatorRate === 0) return;
  const stop = new AbortController();
  const running = runSimulator({
    log: eventLog,
    open: (startAt) =>
      createSimulator({
        seed: 1,
        accounts: [...directory.current.accounts.values()],
        callsPerSecond: config.simulatorRate,
        startAt,
      }),
    now: Date.now,
    signal: stop.signal,
    onOutcome: (outcome, events) => metrics.ingested('simulator', outcome, events),
  }).catch((error: unknown) => log.error({ err: error }, 'the simulator has ended unexpectedly'));
  stack.defer(async () => {
    stop.abort();
    await running;
  });
}
