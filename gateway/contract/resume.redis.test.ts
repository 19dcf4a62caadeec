import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startRedis } from '../../testing/redis-server.ts';
import { startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';

const CLIENTS = 20;
const DISCONNECTS = 10;
const CALLS = 50;
const BATCH = 100;
/** 2,000 events a second. */
const BATCH_EVERY_MS = 50;

interface Got {
  readonly call: number;
  readonly n: number;
  readonly _firehose: { readonly id: string; readonly cursor: string };
}

/** Numbers each call's events and publishes until stopped; returns the number of events of each call. */
async function produce(running: RunningGateway, isOver: () => boolean): Promise<number[]> {
  const counts = Array.from({ length: CALLS }, () => 0);
  while (!isOver()) {
    const lines = Array.from({ length: BATCH }, (_, at) => {
      const call = at % CALLS;
      const n = (counts[call] = (counts[call] ?? 0) + 1);
      return `{"Event-Name":"DTMF","Call-ID":"call-${call}","call":${call},"n":${n},"Account-ID":"account_id_1"}`;
    });
    const { body } = await running.ingest(lines.join('\n'));
    assert.equal(body['accepted'], BATCH);
    await delay(BATCH_EVERY_MS);
  }
  return counts;
}

/** Connects repeatedly, each time to another replica, is cut off at random moments, and keeps all received events. */
async function consume(
  first: Client,
  reconnect: (round: number, cursor: string) => Promise<Client>,
): Promise<{ got: Got[]; cursor: string }> {
  const got: Got[] = [];
  let cursor = '';
  for (let round = 0; round < DISCONNECTS; round += 1) {
    const client = round === 0 ? first : await reconnect(round, cursor);
    await client.received(1);
    await delay(Math.random() * 250);
    client.close();
    await client.closed;
    got.push(...client.messages.map((text) => JSON.parse(text) as Got));
    cursor = got.at(-1)?._firehose.cursor ?? cursor;
  }
  return { got, cursor };
}

test(
  'I2, I3, I4: 200 cuts at random moments under 2,000 events/s over two replicas: nothing lost, doubled or out of order',
  { timeout: 120_000 },
  async (t) => {
    await using redis = await startRedis();
    await using one = await startGateway({ redisUrl: redis.url });
    await using two = await startGateway({ redisUrl: redis.url, state: one.stateFolder });
    const token = await one.token();
    const open = (at: number, query = '') => (at % 2 === 0 ? one : two).connect(`?token=${token}&meta=1${query}`);
    const firsts = await Promise.all(Array.from({ length: CLIENTS }, (_, me) => open(me)));
    let isOver = false;
    const producing = produce(one, () => isOver);
    const consumed = await Promise.all(
      firsts.map((first, me) => consume(first, (round, cursor) => open(me + round, `&cursor=${cursor}`))),
    );
    isOver = true;
    const counts = await producing;
    const total = counts.reduce((sum, count) => sum + count, 0);
    for (const { got, cursor } of consumed) {
      const last = await open(1, `&cursor=${cursor}`);
      await last.received(total - got.length);
      const all = [...got, ...last.messages.map((text) => JSON.parse(text) as Got)];
      last.close();
      assert.equal(new Set(all.map(({ _firehose }) => _firehose.id)).size, all.length);
      for (const [call, count] of counts.entries()) {
        const numbers = all.filter((event) => event.call === call).map(({ n }) => n);
        assert.deepEqual(
          numbers,
          Array.from({ length: count }, (_, at) => at + 1),
        );
      }
    }
    t.diagnostic(`${CLIENTS * DISCONNECTS} cuts, ${total} events to ${CLIENTS} clients: lost 0, doubled 0, inverted 0`);
  },
);
