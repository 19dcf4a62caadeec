/** Raises the rate of events in steps until the gateway no longer keeps up; prints that rate. */
import { attend, audienceScenario } from './client/audience.ts';
import { Consumer } from './client/consumer.ts';
import { scopeOf } from './client/mix.ts';
import { beginRun, MARGIN_MS, once, producerOf, type TestRun } from './client/test-run.ts';
import { pause } from './client/login.ts';
import { ACCOUNTED, brokeAt, heldRate, probeP99, stepP99 } from './report/metrics.ts';
import { percentile } from './report/statistics.ts';
import { summarize, type SummaryData } from './report/summary.ts';
import { readSettings } from './settings/settings.ts';
import { Ledger } from './traffic/ledger.ts';

const settings = readSettings('breakpoint', __ENV);
const steps = Math.ceil(Math.log(settings.MOST_RATE / settings.RATE) / Math.log(1 + settings.STEP_PERCENT / 100)) + 1;
const rateOf = (step: number) => Math.round(settings.RATE * (1 + settings.STEP_PERCENT / 100) ** step);
/** Longest duration: it ends when the gateway no longer keeps up. */
const publishMs = settings.RAMP + steps * settings.STEP;
/** A producer that is further behind its plan at the end of a step does not keep up. */
const MOST_LAG_MS = Math.max(1_000, settings.STEP / 10);

export const options = {
  scenarios: { ...audienceScenario(settings, publishMs), climb: once('climb', publishMs + settings.DRAIN + MARGIN_MS) },
  // Reaching the limit is not a failure; losing an event on the way is. Events up to the limit are judged.
  thresholds: { ...ACCOUNTED, firehose_held_events_per_second: ['value>0'] },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
};

export const setup = () => beginRun(settings);

export const consume = (run: TestRun) => attend(settings, run, { publishMs, timeEvery: 10, onEvent: p99ByStep() });

/** The p99 of this virtual user's connections, by step: if it is far above the probe's, the generator is the limit. */
function p99ByStep() {
  const late = new Map<string, number[]>();
  let current = '';
  return ({ phase }: { phase: string }, latencyMs: number) => {
    if (phase !== current) {
      const done = late.get(current);
      if (done !== undefined && current.startsWith('step')) stepP99.add(percentile(done, 99), { step: current });
      late.delete(current);
      current = phase;
    }
    const values = late.get(phase);
    if (values === undefined) late.set(phase, [latencyMs]);
    else values.push(latencyMs);
  };
}

/**
 * Publishes step by step, and listens to all of it on one connection of its own. It stops when the p99 there is above
 * the limit, or when the gateway accepts events more slowly than they are produced.
 */
export async function climb(run: TestRun): Promise<void> {
  const probe = new Probe(run);
  const listening = probe.consumer.run();
  await pause(settings.RAMP);
  const producer = producerOf(settings, run);
  let held = 0;
  for (let step = 0; step < steps; step += 1) {
    const rate = rateOf(step);
    const phase = `step${step}`;
    const lagMs = await producer.publish({ rate, durationMs: settings.STEP, phase });
    const p99 = probe.p99Of(phase);
    const why =
      p99 > settings.P99
        ? 'not held'
        : lagMs > MOST_LAG_MS
          ? `not held: publishing is ${Math.round(lagMs)} ms late`
          : '';
    console.log(`${rate} events/s: p99 ${p99} ms${why === '' ? '' : `, ${why}`}`);
    if (why !== '') {
      brokeAt.add(rate);
      break;
    }
    held = rate;
    probeP99.add(p99);
  }
  heldRate.add(held);
  await producer.end();
  await listening;
}

class Probe {
  readonly consumer: Consumer;
  readonly #late = new Map<string, number[]>();

  constructor(run: TestRun) {
    this.consumer = new Consumer({
      url: settings.FIREHOSE_URL,
      run: run.name,
      ledger: new Ledger(scopeOf('all', { calls: settings.CALLS, accounts: settings.ACCOUNTS })),
      token: () => Promise.resolve(run.tokens['all'] ?? ''),
      deadline: run.startedAt + publishMs + settings.DRAIN,
      onEvent: ({ phase }, latencyMs) => {
        const values = this.#late.get(phase);
        if (values === undefined) this.#late.set(phase, [latencyMs]);
        else values.push(latencyMs);
      },
    });
  }

  p99Of(phase: string): number {
    const values = this.#late.get(phase) ?? [];
    this.#late.delete(phase);
    return values.length === 0 ? Number.POSITIVE_INFINITY : percentile(values, 99);
  }
}

export function handleSummary(data: SummaryData): Record<string, string> {
  const held = data.metrics['firehose_held_events_per_second']?.values['value'] ?? 0;
  const broke = data.metrics['firehose_broke_at_events_per_second']?.values['value'];
  const connections = settings.CONNECTIONS + 1;
  const where = broke === undefined ? `not broken at MOST_RATE=${settings.MOST_RATE}` : `breaks at ${broke} events/s`;
  return summarize('breakpoint', settings, data, [
    `BREAKPOINT: holds ${held} events/s to ${connections} connections with p99 < ${settings.P99} ms, ${where}`,
  ]);
}
