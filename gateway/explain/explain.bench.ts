/**
 * Measures an explanation: `node gateway/explain/explain.bench.ts --url redis://... --entries 100000`. Prints one line of JSON:
 * `p50` and `p95` are milliseconds from the question of an administrator to its answer, about an event of the last seconds and a
 * session that is open, beside a journal of so many entries of others. `first` is that of the first question.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { until } from '../../testing/until.ts';
import { RedisJournal } from '../journal/redis-journal.ts';
import { SessionRecord } from '../journal/session-record.ts';
import { ADMIN, startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { LedgerClient } from './testing/ledger-client.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'redis://127.0.0.1:6379' },
    entries: { type: 'string', default: '100000' },
  },
});
const QUESTIONS = 100;
const EVENTS = 500;
const WRITTEN_AT_ONCE = 4_000;

/** Sessions of another user that came and went: two entries each. */
async function fillJournal(entries: number): Promise<void> {
  const client = commandClient(values.url, { logger: silentLogger, name: 'firehose:bench' });
  await becomesReady(client, 30_000);
  const of = { keyPrefix: 'firehose:', resource: 'default/quickstart', replica: 'bench' };
  const journal = new RedisJournal({ client, ...of, logger: silentLogger });
  const grant = { account: 'account_id_1', accounts: null, events: ['CHANNEL_CREATE', 'CHANNEL_ANSWER'] };
  const place = { writtenTo: { epoch: randomUUID(), ids: Array.from({ length: 4 }, () => `${Date.now()}-0`) } };
  for (let written = 0; written < entries; written += 2) {
    const token = { id: randomUUID(), username: 'operator', grant };
    const record = new SessionRecord(journal, { id: randomUUID(), token, contract: 'control', group: null });
    record.opened(place);
    record.stopped();
    record.closed(1000);
    if (written % WRITTEN_AT_ONCE === 0) await journal.flushed();
  }
  await journal[Symbol.asyncDispose]();
  client.disconnect();
}

async function publish(running: RunningGateway): Promise<void> {
  const lines = Array.from({ length: EVENTS }, (_, n) =>
    JSON.stringify({ 'Event-Name': 'CHANNEL_ANSWER', 'Call-ID': `call-${n}`, 'Account-ID': 'account_id_1', n }),
  );
  const { status } = await running.ingest(lines.join('\n'));
  if (status !== 200) throw new Error(`the gateway answered ${status}`);
}

await fillJournal(Number(values.entries));
const running = await startGateway({ redisUrl: values.url });
const client = await LedgerClient.open(running, String((await running.login(ADMIN)).body['access_token']));
await until('a greeting', () => client.session);
await publish(running);
await until('the events', () => client.received.size === EVENTS);
const ids = [...client.received.keys()];
const took: number[] = [];
for (let at = 0; at < QUESTIONS; at += 1) {
  const begun = performance.now();
  const query = new URLSearchParams({ event: ids.at(-1 - at * 3) ?? '', session: client.session ?? '' });
  const { body } = await running.administer(`/explain?${query.toString()}`);
  took.push(performance.now() - begun);
  if (body['verdict'] !== 'written' && body['verdict'] !== 'unknown') throw new Error(JSON.stringify(body));
}
const sorted = took.slice(1).toSorted((a, b) => a - b);
const rank = (part: number) => Math.round((sorted[Math.floor(sorted.length * part)] ?? Number.NaN) * 10) / 10;
console.log(JSON.stringify({ p50: rank(0.5), p95: rank(0.95), first: Math.round(took[0] ?? Number.NaN) }));
await client.leave();
await running[Symbol.asyncDispose]();
