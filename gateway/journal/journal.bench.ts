/**
 * Measures what the journal costs: `node gateway/journal/journal.bench.ts --url redis://...`. Prints one line of JSON: `share` is the
 * part of a core that it takes for 1,000 connections that are swept once a second and pinged every 25 s, of which ten a second
 * open, ten close and five change their filter. Writing the entries to Redis is a part of it.
 */
import { randomUUID } from 'node:crypto';
import { parseArgs } from 'node:util';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import type { RecordedPace, RecordedPlace, RecordedSession } from './session-record.ts';
import { SessionRecord } from './session-record.ts';
import { RedisJournal } from './redis-journal.ts';

const { values } = parseArgs({ options: { url: { type: 'string', default: 'redis://127.0.0.1:6379' } } });
const CONNECTIONS = 1_000;
const SECONDS = 300;
const EACH_SECOND = { pinged: 40, opened: 10, filtered: 5 };

const grant = {
  account: 'account_id_1',
  accounts: null,
  events: ['CHANNEL_CREATE', 'CHANNEL_ANSWER', 'CHANNEL_DESTROY'],
};
const position = { epoch: randomUUID(), ids: Array.from({ length: 4 }, () => `${Date.now()}-0`) };
const place: RecordedPlace = { writtenTo: position };
const pace: RecordedPace = { isBehind: false, entriesBehind: 0 };

function sessionOf(): RecordedSession {
  return {
    id: randomUUID(),
    token: { id: randomUUID(), username: 'operator', grant },
    contract: 'control',
    group: null,
  };
}

const client = commandClient(values.url, { logger: silentLogger, name: 'firehose:bench' });
if (!(await becomesReady(client, 30_000))) throw new Error(`no Redis at ${values.url}`);
const of = { keyPrefix: `${randomUUID()}:`, resource: 'bench/journal', replica: 'bench' };
const journal = new RedisJournal({ client, ...of, logger: silentLogger });

function open(): SessionRecord {
  const record = new SessionRecord(journal, sessionOf());
  record.opened(place);
  return record;
}

/** What the sessions of one second note. */
function second(records: SessionRecord[], at: number): void {
  for (const record of records) record.swept(pace);
  for (let index = 0; index < EACH_SECOND.pinged; index += 1) {
    const record = records[(at * EACH_SECOND.pinged + index) % records.length];
    record?.pinged();
    record?.ponged();
  }
  for (let index = 0; index < EACH_SECOND.filtered; index += 1) records[index]?.refiltered(grant);
  for (let index = 0; index < EACH_SECOND.opened; index += 1) {
    const leaving = records.shift();
    leaving?.stopped();
    leaving?.closed(1000);
    records.push(open());
  }
}

const records = Array.from({ length: CONNECTIONS }, open);
for (let at = 0; at < 20; at += 1) second(records, at);
await journal.read(() => false);
const before = process.cpuUsage();
for (let at = 0; at < SECONDS; at += 1) {
  second(records, at);
  // As the flushes of a second are spaced: what waits is bounded.
  if (at % 20 === 19) await journal.flushed();
}
await journal.flushed();
const { user, system } = process.cpuUsage(before);
const { written, dropped } = journal.counters;
console.log(JSON.stringify({ share: (user + system) / 1e6 / SECONDS, written, dropped }));
await journal[Symbol.asyncDispose]();
client.disconnect();
