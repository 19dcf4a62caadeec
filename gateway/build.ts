import type { EventLog } from '../event-log/event-log.ts';
import { durationMs } from '../protocol/subscription.ts';
import type { Logger } from '../runtime/logging/logger.ts';
import type { GatewayConfig } from './config.ts';
import type { Account } from './directory/directory.ts';
import { openEdges } from './open-edges.ts';
import { openPath, type GatewayPath } from './open-path.ts';
import { openState } from './open-state.ts';

/** A running gateway. */
export interface Gateway extends AsyncDisposable {
  readonly port: number;
  readonly innerPort: number;
  /** Stops accepting connections and closes the open ones, spread over the drain window. */
  drain(reason: unknown, now: AbortSignal): Promise<void>;
  /** Settles when the reader of the log ends: fulfilled after an abort, else rejected with the error that ended it. */
  readonly ended: Promise<void>;
}

/** Starts a source inside this process, as `source/simulator` does, until `stack` is released. */
export type StartSource = (
  stack: AsyncDisposableStack,
  parts: {
    readonly callsPerSecond: number;
    readonly accounts: () => readonly Account[];
    readonly eventLog: Pick<EventLog, 'append'>;
    readonly onOutcome: (outcome: string, events: number) => void;
    readonly logger: Logger;
  },
) => void;

/** The composition root: opens state, path and edges in order, and releases them in reverse. */
export async function buildGateway(
  config: GatewayConfig,
  logger: Logger,
  startSource: StartSource | null = null,
): Promise<Gateway> {
  await using stack = new AsyncDisposableStack();
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const { signal } = stop;
  let draining = false;
  const state = await openState(stack, config, { logger, signal });
  const path = await openPath(stack, config, state, { logger, signal });
  // Followers of the log end before the log is closed, so that a stop does not look like an outage.
  stack.defer(() => stop.abort());
  const edges = await openEdges(stack, config, { state, path }, { isDraining: () => draining, logger, signal });
  if (startSource !== null && config.simulatorRate > 0) {
    const { directory, metrics } = state;
    startSource(stack, {
      callsPerSecond: config.simulatorRate,
      accounts: () => [...directory.current.accounts.values()],
      eventLog: state.appends,
      onOutcome: (outcome, events) => metrics.ingested('simulator', outcome, events),
      logger,
    });
  }
  const { drainTimeout } = config.subscription.spec.gateway.connections;
  const owned = stack.move();
  return {
    ...edges,
    ended: path.ended,
    drain(reason, now) {
      draining = true;
      return drainPath(path, { isForGood: reason === 'SIGINT', windowMs: durationMs(drainTimeout), now });
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * Closes the connections of a replica that drains: spread over the window, or at once when the gateway stops for good.
 */
async function drainPath(
  { groups, sessions, departure }: GatewayPath,
  { isForGood, windowMs, now }: { isForGood: boolean; windowMs: number; now: AbortSignal },
): Promise<void> {
  if (!isForGood) await departure.together(now);
  // Other replicas take over the groups while the connections of this one are closed.
  const handedOver = groups.drain(now);
  await sessions.drain({
    windowMs: isForGood ? 0 : windowMs,
    name: isForGood ? 'shutdown' : 'rollingRestart',
    reason: isForGood ? 'shutdown' : 'rolling_restart',
    signal: now,
    handedOver: isForGood ? Promise.resolve() : handedOver,
  });
  await handedOver;
}
