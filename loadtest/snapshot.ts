/**
 * Wallboards join with the live calls, follow them, are cut, and recover: by their cursor, or as new clients. Each
 * requests a snapshot from time to time, and compares it with its own board: no call may differ.
 */
import { clearInterval, setInterval } from 'k6/timers';
import { attend, audienceScenario } from './client/audience.ts';
import { Board } from './client/board.ts';
import type { Consumer, ConsumerOptions } from './client/consumer.ts';
import { beginRun, producerOf, producerScenario, type TestRun } from './client/test-run.ts';
import * as metrics from './report/metrics.ts';
import { summarize, type SummaryData } from './report/summary.ts';
import { readSettings } from './settings/settings.ts';

const settings = readSettings('snapshot', __ENV);
const publishMs = settings.RAMP + settings.DURATION;
/** The gateway sends at most one in ten seconds. */
const ASK_EVERY_MS = 11_000;
/** A stream that lasts less than a second is a fault of its address. An address with many faults is served slowly. */
const SHORTEST_MS = 1_500;
/** A new client is not owed events from before: no call may end for good in that time. */
const FORGETS_UNTIL = 0.6;

export const options = {
  scenarios: { ...audienceScenario(settings, publishMs), ...producerScenario(settings, publishMs) },
  thresholds: {
    ...metrics.ACCOUNTED,
    firehose_drift: ['count==0'],
    'firehose_snapshots{reason:join}': ['count>0'],
    'firehose_snapshots{reason:asked}': ['count>0'],
    firehose_reconnects: ['count>0'],
    firehose_5xx_without_retry_after: ['count==0'],
    firehose_unexpected_closes: ['count==0'],
  },
};

export const setup = () => beginRun(settings, ['all']);

export const consume = (run: TestRun) =>
  attend(settings, run, { publishMs, share: 'all', optionsOf: (consumer) => wallboard(run, consumer) });

function wallboard(run: TestRun, consumer: () => Consumer): Partial<ConsumerOptions> {
  const board = new Board(run.name);
  const forgetsUntil = run.startedAt + publishMs * FORGETS_UNTIL;
  let left = someMessages();
  let readyAt = Infinity;
  let asking: ReturnType<typeof setInterval> | null = null;
  const ask = () => {
    if (Date.now() < run.startedAt + publishMs + settings.DRAIN) return consumer().send({ snapshot: 'calls' });
    if (asking !== null) clearInterval(asking);
  };
  return {
    joinsWithCalls: true,
    onReady() {
      readyAt = Date.now();
      asking ??= setInterval(ask, ASK_EVERY_MS * (1 + Math.random() / 2));
    },
    onFrame: (frame) => board.hear(frame),
    onEvent(numbering) {
      board.take(numbering);
      if (numbering.isLast || left-- > 0 || Date.now() - readyAt < SHORTEST_MS) return;
      left = someMessages();
      const one = consumer();
      if (Date.now() < forgetsUntil && Math.random() < 0.5) one.forget(Math.random() * 200);
      else one.cut(Math.random() * 200);
    },
    onDone() {
      if (asking !== null) clearInterval(asking);
      // Every call has ended.
      metrics.drift.add(board.size);
    },
  };
}

const someMessages = () => 1 + Math.floor(Math.random() * 2 * settings.CUT_AFTER);

export async function produce(run: TestRun): Promise<void> {
  const producer = producerOf(settings, run);
  await producer.publish({ rate: settings.RATE, durationMs: publishMs, phase: 'load' });
  await producer.end();
}

export const handleSummary = (data: SummaryData) => summarize('snapshot', settings, data);
