/**
 * A durable group whose consumers acknowledge, refuse, give up and die: each event is finished once, and exactly the
 * expected events are dead letters. All connections share one virtual user, and so one ledger.
 */
import exec from 'k6/execution';
import { clearInterval, setInterval } from 'k6/timers';
import { deadLettersOf } from './client/dead-letters.ts';
import { GroupConsumer } from './client/group-consumer.ts';
import { pause } from './client/login.ts';
import { beginRun, MARGIN_MS, once, producerOf, type TestRun } from './client/test-run.ts';
import * as metrics from './report/metrics.ts';
import { summarize, type SummaryData } from './report/summary.ts';
import { readSettings } from './settings/settings.ts';
import { deedOf, GroupLedger } from './oracle/group-attempts.ts';
import { CYCLE } from './traffic/numbering.ts';

const settings = readSettings('durable', __ENV);
/** Only administrators can list dead letters. */
const isJudged = settings.FIREHOSE_ADMIN_TOKEN !== '';
const LOOK_MS = 200;
/** Messages after which a consumer dies, on average. */
const DIE_AFTER = 60;

export const options = {
  scenarios: { durable: once('durable', settings.DURATION + settings.DRAIN + MARGIN_MS) },
  thresholds: {
    ...metrics.ACCOUNTED,
    firehose_redelivered: ['count>0'],
    firehose_reconnects: ['count>0'],
    firehose_acks_refused: ['count==0'],
    ...(isJudged && { firehose_dead_letters: ['count>0'], firehose_dead_letters_wrong: ['count==0'] }),
    firehose_unexpected_closes: ['count==0'],
  },
};

export async function setup(): Promise<TestRun> {
  const run = await beginRun(settings, ['all']);
  const { redelivered, acksRefused, deadLetters, deadLettersWrong } = metrics;
  for (const counter of [redelivered, acksRefused, deadLetters, deadLettersWrong]) counter.add(0);
  return run;
}

export async function durable(run: TestRun): Promise<void> {
  metrics.books.add(false);
  const ledger = new GroupLedger(settings.CALLS, CYCLE);
  const consumers = Array.from({ length: settings.CONNECTIONS }, (_, index) => consumerOf(run, ledger, index));
  const consuming = Promise.all(consumers.map((consumer) => consumer.run()));
  const producer = producerOf(settings, run);
  await producer.publish({ rate: settings.RATE, durationMs: settings.DURATION, phase: 'load' });
  await producer.end();
  await completed(ledger, Date.now() + settings.DRAIN);
  for (const consumer of consumers) consumer.stop();
  await consuming;
  metrics.lost.add(ledger.lost);
  if (isJudged) await judgeDeadLetters(ledger, producer.idPrefix);
  metrics.books.add(true);
}

function consumerOf(run: TestRun, ledger: GroupLedger, index: number): GroupConsumer {
  return new GroupConsumer({
    url: settings.FIREHOSE_URL,
    token: run.tokens['all'] ?? '',
    group: settings.GROUP,
    run: run.name,
    ledger,
    maxDeliver: settings.MAX_DELIVER,
    index,
    dieAfter: DIE_AFTER,
    onRefused: () =>
      exec.test.abort(
        `the group '${settings.GROUP}' cannot be joined: it has to be declared, its connections have to have the same ` +
          'grant, and the gateway needs a Redis (REDIS_URL)',
      ),
  });
}

function completed(ledger: GroupLedger, deadline: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!ledger.isComplete && Date.now() < deadline) return;
      clearInterval(timer);
      resolve();
    }, LOOK_MS);
  });
}

/** Exactly the events that were refused at each attempt and those that were given up, each with its reason. */
async function judgeDeadLetters(ledger: GroupLedger, prefix: string): Promise<void> {
  const expected = new Map<string, string>();
  for (let call = 0; call < settings.CALLS; call += 1) {
    for (let n = 1; n <= ledger.reached(call); n += 1) {
      const deed = deedOf(call, n);
      if (deed === 'nack_always') expected.set(`${prefix}${call}:${n}`, 'max_deliver');
      if (deed === 'term') expected.set(`${prefix}${call}:${n}`, 'terminated');
    }
  }
  // The last of them may not have arrived yet.
  let found = new Map<string, string>();
  for (let looks = 0; looks < 20 && found.size < expected.size; looks += 1) {
    if (looks > 0) await pause(LOOK_MS);
    found = deadLettersOf(settings.FIREHOSE_INNER_URL, settings.FIREHOSE_ADMIN_TOKEN, {
      group: settings.GROUP,
      prefix,
    });
  }
  metrics.deadLetters.add(found.size);
  for (const [id, reason] of expected) if (found.get(id) !== reason) metrics.deadLettersWrong.add(1);
  for (const id of found.keys()) if (!expected.has(id)) metrics.deadLettersWrong.add(1);
}

const NOT_JUDGED = 'NOT JUDGED: the dead letters, for want of FIREHOSE_ADMIN_TOKEN';

export const handleSummary = (data: SummaryData) => summarize('durable', settings, data, isJudged ? [] : [NOT_JUDGED]);
