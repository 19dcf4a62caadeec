/** Connections with a realistic mix of filters open one after the other, at a constant rate of events. */
import { attend, audienceScenario } from './client/audience.ts';
import { beginRun, producerOf, producerScenario, type TestRun } from './client/test-run.ts';
import { ACCOUNTED } from './report/metrics.ts';
import { summarize, type SummaryData } from './report/summary.ts';
import { readSettings } from './settings/settings.ts';

const settings = readSettings('load', __ENV);
const publishMs = settings.RAMP + settings.DURATION;

export const options = {
  scenarios: { ...audienceScenario(settings, publishMs), ...producerScenario(settings, publishMs) },
  thresholds: {
    ...ACCOUNTED,
    firehose_latency: [`p(99)<${settings.P99}`],
    firehose_handshakes_refused: ['count==0'],
    firehose_unexpected_closes: ['count==0'],
  },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
};

export const setup = () => beginRun(settings);

export const consume = (run: TestRun) => attend(settings, run, { publishMs });

export async function produce(run: TestRun): Promise<void> {
  const producer = producerOf(settings, run);
  await producer.publish({ rate: settings.RATE, durationMs: publishMs, phase: 'load' });
  await producer.end();
}

export const handleSummary = (data: SummaryData) => summarize('load', settings, data);
