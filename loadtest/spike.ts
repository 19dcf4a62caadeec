/** All clients reconnect at once: with jitter, as they should, and then without, as some will. */
import { attend, audienceScenario } from './client/audience.ts';
import type { Consumer } from './client/consumer.ts';
import { pause } from './client/login.ts';
import { beginRun, producerOf, producerScenario, type TestRun } from './client/test-run.ts';
import { ACCOUNTED } from './report/metrics.ts';
import { summarize, type SummaryData } from './report/summary.ts';
import { readSettings } from './settings/settings.ts';

const settings = readSettings('spike', __ENV);
/** Each of the two spikes has `DURATION` to settle. */
const JITTERED_AT = settings.RAMP + 1_000;
const RUSHED_AT = JITTERED_AT + settings.JITTER + settings.DURATION;
const publishMs = RUSHED_AT + settings.DURATION;

export const options = {
  scenarios: { ...audienceScenario(settings, publishMs), ...producerScenario(settings, publishMs) },
  thresholds: {
    ...ACCOUNTED,
    'firehose_handshake{spike:jittered}': [`p(99)<${settings.HANDSHAKE_P99}`],
    'firehose_handshake{spike:rushed}': [`p(99)<${settings.HANDSHAKE_P99}`],
    firehose_5xx_without_retry_after: ['count==0'],
    firehose_reconnects: [`count>=${2 * settings.CONNECTIONS}`],
    firehose_unexpected_closes: ['count==0'],
  },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
};

export const setup = () => beginRun(settings);

export const consume = (run: TestRun) => {
  const spikeNow = () => {
    const at = Date.now() - run.startedAt;
    return at < JITTERED_AT ? 'before' : at < RUSHED_AT ? 'jittered' : 'rushed';
  };
  return attend(settings, run, {
    publishMs,
    handshakeTags: () => ({ spike: spikeNow() }),
    onConsumer: (consumer) => void comeBackTwice(consumer, run),
  });
};

async function comeBackTwice(consumer: Consumer, run: TestRun): Promise<void> {
  const deadline = run.startedAt + publishMs;
  for (const [at, backMs] of [
    [JITTERED_AT, Math.random() * settings.JITTER],
    [RUSHED_AT, 0],
  ] as const) {
    await pause(run.startedAt + at - Date.now());
    // A client that has not reconnected yet does so later: slow clients are not lost ones.
    while (!consumer.isConnected && Date.now() < deadline) await pause(50);
    consumer.cut(backMs);
  }
}

export async function produce(run: TestRun): Promise<void> {
  const producer = producerOf(settings, run);
  await producer.publish({ rate: settings.RATE, durationMs: publishMs, phase: 'load' });
  await producer.end();
}

export const handleSummary = (data: SummaryData) => summarize('spike', settings, data);
