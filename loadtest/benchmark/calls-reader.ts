/**
 * Fills the table of live calls of a gateway, and reads all of it every second. Environment: PORT, REDIS_URL, LEGS.
 * Prints {"ready":true} once the table has all legs. After the line `read` it reads; `count` prints {"reads", "ms"}: the
 * number of whole snapshots since then, and the time.
 */
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { encodeMeta } from '../../protocol/entry.ts';
import { streamKeys } from '../../protocol/keys.ts';
import { partitionOf } from '../../protocol/partition.ts';
import { CALLS_PATH, LOGIN_PATH } from '../../protocol/paths.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { ACCOUNT, LOGIN, PARTITIONS } from './configuration.ts';

const BATCH = 1_000;
const EVERY_MS = 1_000;
const LAST_BYTES = 4_096;
const legs = Number(process.env['LEGS']);
const base = `http://127.0.0.1:${process.env['PORT'] ?? ''}`;

async function fill(): Promise<void> {
  const client = commandClient(process.env['REDIS_URL'] ?? '', { logger: silentLogger, name: 'benchmark' });
  await becomesReady(client, 10_000);
  for (let from = 0; from < legs; from += BATCH) {
    const pipeline = client.pipeline();
    for (let n = from; n < from + BATCH; n += 1) {
      const leg = { account: ACCOUNT, callId: `live-${n}` };
      const event = {
        'Event-Name': 'CHANNEL_CREATE',
        'Call-ID': leg.callId,
        From: '1001@example.com',
        To: '1002@example.com',
      };
      const line = encodeMeta({ ...leg, name: 'CHANNEL_CREATE', eventId: leg.callId, ingestedAt: '', traceparent: '' });
      const { events } = streamKeys('firehose:', partitionOf(leg, PARTITIONS));
      pipeline.xadd(events, '*', 'm', line, 'd', JSON.stringify(event));
    }
    await pipeline.exec();
  }
  client.disconnect();
}

/** The number of calls in a whole snapshot; -1 without one. */
async function read(token: string): Promise<number> {
  const headers = { Authorization: `Bearer ${token}`, Accept: 'application/x-ndjson' };
  const answer = await fetch(`${base}${CALLS_PATH}`, { headers });
  // Parsing 60 MB a second would take the core from the receivers: only the end of the last line is kept.
  let last = Buffer.alloc(0);
  for await (const chunk of answer.body ?? []) last = Buffer.concat([last, chunk]).subarray(-LAST_BYTES);
  return answer.status === 200 ? Number(/"calls":(\d+)\}\}\s*$/.exec(last.toString())?.[1] ?? -1) : -1;
}

const progress = { reads: 0, since: 0 };

async function readOn(token: string): Promise<never> {
  progress.since = performance.now();
  for (;;) {
    const from = performance.now();
    if ((await read(token)) >= legs) progress.reads += 1;
    await delay(Math.max(0, EVERY_MS - (performance.now() - from)));
  }
}

await fill();
const login = await fetch(`${base}${LOGIN_PATH}`, { method: 'POST', body: JSON.stringify(LOGIN) });
const { access_token: token } = (await login.json()) as { access_token: string };
while ((await read(token)) < legs) await delay(100);
process.stdout.write('{"ready":true}\n');
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'read') void readOn(token);
  const { reads, since } = progress;
  if (line === 'count') process.stdout.write(`${JSON.stringify({ reads, ms: performance.now() - since })}\n`);
}
