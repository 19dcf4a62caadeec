/** A constant load for hours: nothing is lost, and memory and descriptors of the gateway stay flat. */
import { check } from 'k6';
import http from 'k6/http';
import { attend, audienceScenario } from './client/audience.ts';
import { pause } from './client/login.ts';
import { beginRun, MARGIN_MS, once, producerOf, producerScenario, type TestRun } from './client/test-run.ts';
import { ACCOUNTED, descriptorGrowth, memoryGrowth } from './report/metrics.ts';
import { slope } from './report/statistics.ts';
import { summarize, type SummaryData } from './report/summary.ts';
import { FEWEST_LOOKS, readSettings } from './settings/settings.ts';

const settings = readSettings('soak', __ENV);
const publishMs = settings.RAMP + settings.DURATION;
/** k6 keeps every value of a trend for as long as it runs. */
const TIME_EVERY = 20;
const HOUR_MS = 3_600_000;
const MEBIBYTE = 1024 * 1024;

export const options = {
  scenarios: {
    ...audienceScenario(settings, publishMs),
    ...producerScenario(settings, publishMs),
    watcher: once('watch', publishMs + MARGIN_MS),
  },
  thresholds: {
    ...ACCOUNTED,
    firehose_latency: [`p(99)<${settings.P99}`],
    firehose_handshakes_refused: ['count==0'],
    firehose_unexpected_closes: ['count==0'],
    firehose_memory_growth_percent: [`value<${settings.GROWTH_PERCENT}`],
    firehose_descriptor_growth_percent: [`value<${settings.GROWTH_PERCENT}`],
    // There were enough reads of the metrics, and none failed.
    checks: ['rate==1'],
  },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
};

export const setup = () => beginRun(settings);

export const consume = (run: TestRun) => attend(settings, run, { publishMs, timeEvery: TIME_EVERY });

export async function produce(run: TestRun): Promise<void> {
  const producer = producerOf(settings, run);
  await producer.publish({ rate: settings.RATE, durationMs: publishMs, phase: 'soak' });
  await producer.end();
}

type Points = [number, number][];

/** Reads each replica's metrics, and fits straight lines to the values after the warm-up. */
export async function watch(run: TestRun): Promise<void> {
  const own = `${settings.FIREHOSE_INNER_URL}/metrics`;
  const replicas = settings.FIREHOSE_METRICS_URLS.length === 0 ? [own] : settings.FIREHOSE_METRICS_URLS;
  const series = replicas.map((url) => ({ url, memory: [] as Points, descriptors: [] as Points }));
  for (let at = Date.now(); at < run.startedAt + publishMs; at = Date.now()) {
    if (at > run.startedAt + settings.WARM_UP) for (const one of series) look(one, at);
    await pause(settings.SAMPLE);
  }
  const [memory, descriptors] = [
    series.map((one) => growthOf(one.url, 'memory', one.memory)),
    series.map((one) => growthOf(one.url, 'descriptors', one.descriptors)),
  ];
  memoryGrowth.add(Math.max(...memory));
  descriptorGrowth.add(Math.max(...descriptors));
}

function look({ url, memory, descriptors }: { url: string; memory: Points; descriptors: Points }, at: number): void {
  const answer = http.get(url, { tags: { name: 'metrics' } });
  const text = typeof answer.body === 'string' ? answer.body : '';
  const values = [
    valueOf(text, 'firehose_process_resident_memory_bytes'),
    valueOf(text, 'firehose_process_open_descriptors'),
  ] as const;
  const isThere = check(values, { 'the metrics tell memory and descriptors': ([a, b]) => a !== null && b !== null });
  if (!isThere) return;
  memory.push([at, values[0] ?? 0]);
  descriptors.push([at, values[1] ?? 0]);
}

function valueOf(text: string, metric: string): number | null {
  const found = new RegExp(`^${metric}(?:\\{[^}]*\\})? ([0-9.e+]+)`, 'm').exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

/** In percent of the mean over the measured time. */
function growthOf(url: string, what: 'memory' | 'descriptors', points: Points): number {
  check(points, { 'there are enough looks after the warm-up': ({ length }) => length >= FEWEST_LOOKS });
  const mean = points.reduce((sum, [, value]) => sum + value, 0) / Math.max(1, points.length);
  const perMs = slope(points);
  const span = (points.at(-1)?.[0] ?? 0) - (points[0]?.[0] ?? 0);
  const growth = mean === 0 ? 0 : (100 * perMs * span) / mean;
  const said =
    what === 'memory'
      ? `${(mean / MEBIBYTE).toFixed(1)} MiB on average, ${((perMs * HOUR_MS) / MEBIBYTE).toFixed(2)} MiB an hour`
      : `${mean.toFixed(1)} on average, ${(perMs * HOUR_MS).toFixed(2)} an hour`;
  console.log(`${what} of ${url}: ${said} over ${Math.round(span / 1_000)} s`);
  return growth;
}

export const handleSummary = (data: SummaryData) => summarize('soak', settings, data);
