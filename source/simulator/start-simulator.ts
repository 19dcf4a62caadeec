import { createSimulator, type SimulatedAccount } from '../../protocol/simulator/simulator.ts';
import type { EventLog } from '../../event-log/event-log.ts';
import type { Logger } from '../../runtime/logging/logger.ts';
import { runSimulator } from './simulator-source.ts';

export interface SimulatorParts {
  readonly callsPerSecond: number;
  /** The accounts in force when the simulation starts. */
  readonly accounts: () => readonly SimulatedAccount[];
  readonly eventLog: Pick<EventLog, 'append'>;
  readonly onOutcome: (outcome: string, events: number) => void;
  readonly logger: Logger;
}

/** Simulates calls inside a gateway's process until `stack` is released. */
export function startSimulator(stack: AsyncDisposableStack, parts: SimulatorParts): void {
  const { accounts, callsPerSecond, eventLog, onOutcome, logger } = parts;
  const stop = new AbortController();
  const running = runSimulator({
    eventLog: eventLog,
    open: (startAt) => createSimulator({ seed: 1, accounts: accounts(), callsPerSecond, startAt }),
    now: Date.now,
    signal: stop.signal,
    onOutcome,
  }).catch((error: unknown) => logger.error({ err: error }, 'the simulator has ended unexpectedly'));
  stack.defer(async () => {
    stop.abort();
    await running;
  });
}
