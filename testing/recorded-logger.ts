import { Writable } from 'node:stream';
import { pino } from 'pino';

/** A log whose lines a test looks at, from this level on. */
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
