/** A rush of logins, including wrong passwords, beside a running stream, whose events must not be delayed by it. */
import { check } from 'k6';
import { attend, audienceScenario } from './client/audience.ts';
import { describe, tryLogIn } from './client/login.ts';
import { beginRun, MARGIN_MS, once, producerOf, producerScenario, type TestRun } from './client/test-run.ts';
import { ACCOUNTED, loginsOdd, loginsTaken, moved, wrongRefused } from './report/metrics.ts';
import { summarize, type SummaryData } from './report/summary.ts';
import { readSettings } from './settings/settings.ts';
import { percentile } from './report/statistics.ts';

const settings = readSettings('logins', __ENV);
/** First only the stream, then as long with the rush. */
const RUSH_AT = settings.RAMP + settings.DURATION;
const publishMs = RUSH_AT + settings.DURATION;
/** Of one user, domain and address in 15 minutes. */
const WRONG_ALLOWED = 10;
const MOST_AT_ONCE = 100;

export const options = {
  scenarios: {
    ...audienceScenario(settings, publishMs),
    ...producerScenario(settings, publishMs),
    rush: {
      executor: 'constant-arrival-rate' as const,
      exec: 'right',
      startTime: `${RUSH_AT}ms`,
      duration: `${settings.DURATION}ms`,
      rate: settings.LOGIN_RATE,
      preAllocatedVUs: Math.min(MOST_AT_ONCE, 10 + 4 * settings.LOGIN_RATE),
    },
    wrong: { ...once('wrong', settings.DURATION + MARGIN_MS), startTime: `${RUSH_AT}ms` },
  },
  thresholds: {
    ...ACCOUNTED,
    'firehose_login{scenario:rush}': [`p(99)<${settings.LOGIN_P99}`],
    firehose_logins_odd: ['count==0'],
    // Deferring every login is documented, but is not a service.
    firehose_logins_taken: ['count>0'],
    firehose_wrong_logins_refused: [`count==${settings.WRONG_TRIES}`],
    firehose_latency_moved: [`max<${settings.P99_MOVE}`],
    firehose_unexpected_closes: ['count==0'],
    dropped_iterations: ['count==0'],
  },
  summaryTrendStats: ['med', 'p(95)', 'p(99)', 'max', 'count'],
};

export async function setup(): Promise<TestRun> {
  const run = await beginRun(settings);
  loginsOdd.add(0);
  loginsTaken.add(0);
  wrongRefused.add(0);
  return run;
}

export async function consume(run: TestRun): Promise<void> {
  const late: Record<string, number[]> = { calm: [], rush: [] };
  await attend(settings, run, { publishMs, onEvent: ({ phase }, latencyMs) => late[phase]?.push(latencyMs) });
  moved.add(percentile(late['rush'] ?? [], 99) - percentile(late['calm'] ?? [], 99));
}

export async function produce(run: TestRun): Promise<void> {
  const producer = producerOf(settings, run);
  await producer.publish({ rate: settings.RATE, durationMs: RUSH_AT, phase: 'calm' });
  await producer.publish({ rate: settings.RATE, durationMs: settings.DURATION, phase: 'rush' });
  await producer.end();
}

/** One correct login: a token, or a 429 or 503 with the time to retry. */
export async function right(): Promise<void> {
  const answer = await tryLogIn(settings, {});
  const isTaken = answer.status === 200 && typeof answer.json('access_token') === 'string';
  const isPutOff = (answer.status === 429 || answer.status === 503) && Number(answer.headers['Retry-After']) >= 1;
  if (isTaken) loginsTaken.add(1);
  if (isTaken || isPutOff) return;
  loginsOdd.add(1);
  console.error(`a right login: ${describe(answer)}`);
}

/**
 * Wrong ones of a user that does not exist: the same 401 each time, then 429 with Retry-After. Each run takes ten of
 * the hundred wrong tries that an address has in 15 minutes.
 */
export async function wrong(run: TestRun): Promise<void> {
  for (let tries = 1; tries <= settings.WRONG_TRIES; tries += 1) {
    const answer = await tryLogIn(settings, { username: `nobody-${run.name}-${run.startedAt}` });
    const asDocumented =
      tries <= WRONG_ALLOWED
        ? describe(answer) === '401 wrong_credentials'
        : describe(answer) === '429 too_many_tries' && Number(answer.headers['Retry-After']) >= 1;
    if (asDocumented) wrongRefused.add(1);
    else console.error(`wrong login ${tries}: ${describe(answer)}, Retry-After ${answer.headers['Retry-After']}`);
    check(asDocumented, { 'a wrong login is refused as documented': (it) => it });
  }
}

export const handleSummary = (data: SummaryData) => summarize('logins', settings, data);
