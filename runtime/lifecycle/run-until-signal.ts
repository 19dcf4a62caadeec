import { writeSync } from 'node:fs';
import type { Logger } from '../logging/logger.ts';
import { endTelemetry, useTelemetryLog } from '../telemetry/telemetry.ts';
import { namesOfKind } from '../settings/describe.ts';
import * as kinds from '../settings/kinds.ts';
import type { SettingsTable } from '../settings/setting.ts';
import type { Environment } from './environment.ts';
import { ConfigurationFault } from './configuration-fault.ts';

/** Exit codes of every process. */
export const EXIT = {
  clean: 0,
  unexpected: 1,
  configuration: 2,
  portTaken: 3,
} as const;

export type StopReason = 'SIGTERM' | 'SIGINT';

export interface StopSignals {
  /** Aborted by the first SIGTERM or SIGINT, with its name as reason: finish running work. */
  readonly drain: AbortSignal;
  /** Aborted by the second one: leave at once. */
  readonly now: AbortSignal;
}

export interface RunOptions {
  readonly logger: Logger;
  /** The settings of this process: errors about a listener name them. */
  readonly settings: SettingsTable;
  /** Environment with the given flags. */
  readonly environment: Environment;
  readonly run: (signals: StopSignals) => Promise<void>;
}

/**
 * Runs until it ends by itself or a signal stops it, and returns the exit code. An uncaught exception or rejection also
 * ends it, while `run` still runs: the caller exits with the code at once.
 */
export async function runUntilSignal({ logger, settings, environment, run }: RunOptions): Promise<number> {
  const drain = new AbortController();
  const now = new AbortController();
  const stop = (reason: StopReason) => {
    if (drain.signal.aborted) now.abort(reason);
    else drain.abort(reason);
  };
  const onTerm = () => stop('SIGTERM');
  const onInt = () => stop('SIGINT');
  process.on('SIGTERM', onTerm);
  process.on('SIGINT', onInt);
  const uncaught = Promise.withResolvers<never>();
  // A rejection without a handler also arrives here.
  process.on('uncaughtException', uncaught.reject);
  useTelemetryLog(logger);
  try {
    await Promise.race([run({ drain: drain.signal, now: now.signal }), uncaught.promise]);
    return EXIT.clean;
  } catch (error) {
    // A line about it could not be written, and pino would retry without end.
    if (isUnread(error)) return EXIT.clean;
    return explain(error, { logger, settings, environment });
  } finally {
    await endTelemetry();
    process.off('SIGTERM', onTerm);
    process.off('SIGINT', onInt);
    process.off('uncaughtException', uncaught.reject);
  }
}

const STANDARD_OUTPUTS = [1, 2];

/** Whether nothing reads this process's output any more, as behind `| head`. Only an attempt to write shows it. */
function isUnread(error: unknown): boolean {
  if ((error as NodeJS.ErrnoException | null)?.code !== 'EPIPE') return false;
  return STANDARD_OUTPUTS.some((fd) => {
    try {
      writeSync(fd, '\n');
      return false;
    } catch (fault) {
      return (fault as NodeJS.ErrnoException).code === 'EPIPE';
    }
  });
}

/** Errors of listening. */
type ListenError = NodeJS.ErrnoException & { address?: string; port?: number; hostname?: string };

const NO_ADDRESS: ReadonlySet<string> = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL']);

/** One clear error for what a person can fix; a stack only for an unexpected error. */
function explain(error: unknown, { logger, settings, environment }: Omit<RunOptions, 'run'>): number {
  if (error instanceof ConfigurationFault) {
    for (const fault of error.faults) logger.fatal({ code: error.code }, fault);
    return EXIT.configuration;
  }
  const { code = '', address, port, hostname } = error as ListenError;
  const host = address ?? hostname ?? '';
  if (code === 'EADDRINUSE' || code === 'EACCES') {
    const why = code === 'EADDRINUSE' ? 'is taken' : 'needs a privilege';
    const names = namesOfKind(settings, kinds.port, { environment, value: port });
    logger.fatal({ code, address, port }, `${host}:${port ?? ''} ${why}: set ${names}`);
    return EXIT.portTaken;
  }
  if (NO_ADDRESS.has(code)) {
    const names = namesOfKind(settings, kinds.host, { environment, value: host });
    logger.fatal({ code, host }, `${host} is not an address of this machine: set ${names}`);
    return EXIT.configuration;
  }
  logger.fatal({ err: error }, 'unexpected error: the process ends');
  return EXIT.unexpected;
}
