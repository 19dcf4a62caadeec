import { beginCounting } from '../report/metrics.ts';
import type { Settings } from '../settings/settings.ts';
import { logIn } from './login.ts';
import { MIX, filtersOf, type Share } from './mix.ts';
import { Producer } from './producer.ts';

/** The data that `setup` passes to every virtual user. */
export interface TestRun {
  readonly name: string;
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** One for each share of the mix: a login costs a password hash, which `logins` measures. */
  readonly tokens: Readonly<Record<string, string>>;
}

/** Resets the counts, names the run, and logs in once for each share. */
export async function beginRun(settings: Settings, shares: readonly Share[] = MIX): Promise<TestRun> {
  beginCounting();
  const tokens: Record<string, string> = {};
  for (const share of shares) tokens[share] = await logIn(settings, filtersOf(share, settings.ACCOUNTS));
  const name = settings.RUN === '' ? `lt-${Math.random().toString(36).slice(2, 10)}` : settings.RUN;
  return { name, startedAt: Date.now(), tokens };
}

export function producerOf(settings: Settings, run: TestRun): Producer {
  if (settings.FIREHOSE_INGEST_TOKEN === '') {
    throw new Error('FIREHOSE_INGEST_TOKEN is missing: of `npm start` it is in .firehose/ingest-token');
  }
  return new Producer({
    innerUrl: settings.FIREHOSE_INNER_URL,
    token: settings.FIREHOSE_INGEST_TOKEN,
    run: run.name,
    calls: settings.CALLS,
    accounts: settings.ACCOUNTS,
  });
}

/** A scenario of one virtual user that runs once; `seconds` is its longest time. */
export function once(exec: string, milliseconds: number) {
  return {
    executor: 'per-vu-iterations' as const,
    exec,
    vus: 1,
    iterations: 1,
    maxDuration: `${Math.ceil(milliseconds / 1_000)}s`,
  };
}

/** The producer as a scenario, unless another load generator publishes. */
export function producerScenario(settings: Settings, milliseconds: number) {
  return settings.RATE === 0 ? {} : { producer: once('produce', milliseconds + settings.DRAIN + MARGIN_MS) };
}

/** Time for logins, handshakes and a last batch beyond the plan. */
export const MARGIN_MS = 60_000;
