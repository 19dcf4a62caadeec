/**
 * Connections are cut at random in the middle of the stream and resume by their cursor: nothing is lost, the order is
 * kept.
 */
import { attend, audienceScenario } from './client/audience.ts';
import type { Consumer } from './client/consumer.ts';
import { beginRun, producerOf, producerScenario, type TestRun } from './client/test-run.ts';
import { ACCOUNTED } from './report/metrics.ts';
import { summarize, type SummaryData } from './report/summary.ts';
import { readSettings } from './settings/settings.ts';

const settings = readSettings('resume', __ENV);
const publishMs = settings.RAMP + settings.DURATION;

export const options = {
  scenarios: { ...audienceScenario(settings, publishMs), ...producerScenario(settings, publishMs) },
  thresholds: {
    ...ACCOUNTED,
    firehose_reconnects: ['count>0'],
    firehose_handshakes_refused: ['count==0'],
    firehose_unexpected_closes: ['count==0'],
  },
};

export const setup = () => beginRun(settings);

export const consume = (run: TestRun) => attend(settings, run, { publishMs, onConsumer: cutAtRandom });

/**
 * Cut after a number of messages and not after a time: messages come in rounds, and between two rounds nothing could be
 * lost. The rest of a round is ignored, as if the consumer had died in the middle of it.
 */
function cutAtRandom(consumer: Consumer): void {
  let left = someMessages();
  consumer.onMessage = () => {
    if (left-- > 0) return;
    left = someMessages();
    consumer.cut(Math.random() * 200);
  };
}

const someMessages = () => 1 + Math.floor(Math.random() * 2 * settings.CUT_AFTER);

export async function produce(run: TestRun): Promise<void> {
  const producer = producerOf(settings, run);
  await producer.publish({ rate: settings.RATE, durationMs: publishMs, phase: 'load' });
  await producer.end();
}

export const handleSummary = (data: SummaryData) => summarize('resume', settings, data);
