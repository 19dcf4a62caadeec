import { createTimeline } from '../../protocol/simulator/timeline.ts';
import type { SourceSpec } from '../../protocol/source.ts';
import { runSimulator } from '../simulator/simulator-source.ts';
import type { Producer, ProducerParts } from './producer.ts';

/**
 * A new process produces the last minute again: the log recognises its predecessor's events by their ids, and events of
 * a time without a process are not lost.
 */
const MAKE_UP_MS = 60_000;

/** Simulates the calls of the specification. */
export function openSimulated(spec: NonNullable<SourceSpec['simulator']>, parts: ProducerParts): Producer {
  const { seed, callsPerSecond, accounts } = spec;
  const { eventLog, metrics, now } = parts;
  const stop = new AbortController();
  const ended = runSimulator({
    eventLog,
    open: (startAt) => createTimeline({ seed, callsPerSecond, accounts, from: startAt - MAKE_UP_MS }),
    now,
    signal: stop.signal,
    onOutcome: (outcome, events) => metrics.ingested('simulator', outcome, events),
  });
  return {
    follow: () => undefined,
    behind: () => [],
    ended,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended.catch(() => undefined);
    },
  };
}
