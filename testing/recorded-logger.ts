import { Writable } from 'node:stream';
import { pino } from 'pino';

/** A logger whose lines a test reads, from this level on. */
export function recordedLogger(level: 'debug' | 'info' = 'info') {
  const lines: string[] = [];
  const sink = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk));
      done();
    },
  });
  return { lines, logger: pino({ base: null, level }, sink) };
}
