import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { openEvents } from '../testing/event-stream-client.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';
import { until } from '../../testing/until.ts';

const LIMIT = { timeout: 60_000 };
const FILLER = randomBytes(12_000).toString('base64');
const BUDGET = 16 * 1024 * 1024;
const UNREAD = 30;

async function ingest(running: RunningGateway, account: string, count: number): Promise<void> {
  const lines = Array.from(
    { length: count },
    (_, n) =>
      `{"Event-Name":"DTMF","Call-ID":"c","n":${performance.now() + n},"Account-ID":"${account}","f":"${FILLER}"}`,
  );
  const { body } = await running.ingest(lines.join('\n'));
  assert.equal(body['accepted'], count);
}

async function connections(running: RunningGateway): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${running.gateway.innerPort}/metrics`)).text();
  return [...text.matchAll(/^firehose_connections{[^}]*} (\d+)/gm)].reduce((sum, [, value]) => sum + Number(value), 0);
}

describe('connections that do not read, over TLS (I18)', () => {
  test('streams of Server-Sent Events count in the same budget', LIMIT, async () => {
    await using running = await startGateway({ connections: { maxUnreadBytes: BUDGET } });
    const greedy = await running.token({ accounts: ['account_id_1'] });
    const honest = await running.token({ accounts: ['account_id_2'] });
    const unread = await Promise.all(Array.from({ length: UNREAD }, () => openEvents(running, `?token=${greedy}`)));
    for (const stream of unread) stream.pause();
    using reading = await openEvents(running, `?token=${honest}`);
    await until('streams that were ended for what they left unread', async () => {
      await ingest(running, 'account_id_1', 50);
      return (await connections(running)) < UNREAD + 1;
    });
    await ingest(running, 'account_id_2', 3);
    assert.equal((await reading.received(3)).length, 3);
    await until('no more than fit', async () => {
      await ingest(running, 'account_id_1', 50);
      return (await connections(running)) <= 1 + Math.ceil(BUDGET / (1024 * 1024));
    });
    for (const stream of unread) stream[Symbol.dispose]();
  });

  test(
    'beyond the budget of the replica the account that holds most loses some; others lose nothing',
    LIMIT,
    async () => {
      await using running = await startGateway({ connections: { maxUnreadBytes: BUDGET } });
      const greedy = await running.token({ accounts: ['account_id_1'] });
      const honest = await running.token({ accounts: ['account_id_2'] });
      const unread = await Promise.all(Array.from({ length: UNREAD }, () => running.connect(`?token=${greedy}`)));
      for (const client of unread) client.pause();
      const reading = await running.connect(`?token=${honest}`);
      await until('connections that were ended for what they left unread', async () => {
        await ingest(running, 'account_id_1', 50);
        return (await connections(running)) < UNREAD + 1;
      });
      await ingest(running, 'account_id_2', 3);
      assert.equal((await reading.received(3)).length, 3);
      // The budget holds at every sweep: each of the remaining connections may leave about 1 MiB unread.
      await until('no more than fit', async () => {
        await ingest(running, 'account_id_1', 50);
        return (await connections(running)) <= 1 + Math.ceil(BUDGET / (1024 * 1024));
      });
      reading.close();
    },
  );
});
