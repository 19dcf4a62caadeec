import { pino, type Logger as PinoLogger } from 'pino';
import { traceIds } from '../telemetry/span.ts';

export type Logger = PinoLogger;

/** Paths whose values never reach a log line, whatever logs them. */
const REDACTED = ['token', 'access_token', 'password', 'passwordHash', 'authorization', 'headers', 'url', 'secret'];

export interface LoggerOptions {
  readonly level: string;
  /** Readable lines instead of JSON, for a person at a terminal. */
  readonly pretty: boolean;
}

/** JSON lines on standard output, with the ids of the active span; readable lines on a terminal. */
export function createLogger(options: LoggerOptions): Logger {
  return pino({
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: traceIds,
    redact: { paths: REDACTED.flatMap((path) => [path, `*.${path}`]), censor: '[redacted]' },
    ...(options.pretty && {
      transport: {
        target: 'pino-pretty',
        options: { translateTime: 'HH:MM:ss', ignore: 'pid,hostname', singleLine: true },
      },
    }),
  });
}

/** A logger that writes nothing, for tests. */
export const silentLogger: Logger = pino({ level: 'silent' });
