import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SLOW_AFTER_MS } from '../fanout/connection.ts';
import { events, untilFrame } from '../testing/frames.ts';
import { startGateway, type Client, type RunningGateway } from '../testing/running-gateway.ts';
import { until } from '../../testing/until.ts';

const LIMIT = { timeout: 120_000 };
const FILLER = randomBytes(12_000).toString('base64');

/** Publishes until one connection is behind while the other one has everything; returns how many events that took. */
async function publishUntilBehind(running: RunningGateway, other: Client): Promise<number> {
  let sent = 0;
  const isBehind = async () => (await metric(running, 'firehose_behind_connections')) > 0;
  while (!(await isBehind()) || !(await isBehind())) {
    const lines = Array.from({ length: 100 }, (_, at) => {
      const n = sent + at;
      return `{"Event-Name":"DTMF","Call-ID":"c${n % 3}","n":${n},"Account-ID":"account_id_1","filler":"${FILLER}"}`;
    });
    const { body } = await running.ingest(lines.join('\n'));
    assert.equal(body['accepted'], lines.length);
    sent += lines.length;
    await other.received(sent);
  }
  return sent;
}

/** The sum over all labels. */
async function metric(running: RunningGateway, name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${running.gateway.innerPort}/metrics`)).text();
  const samples = text.matchAll(new RegExp(`^${name}(?:{[^}]*})? (\\S+)`, 'gm'));
  return [...samples].reduce((sum, [, value]) => sum + Number(value), 0);
}

const numbers = (client: Client) =>
  client.messages.flatMap((text) => (text.includes('"n":') ? [(JSON.parse(text) as { n: number }).n] : []));

function assertOrdered(got: readonly number[]): void {
  for (const call of [0, 1, 2]) {
    const ofCall = got.filter((n) => n % 3 === call);
    assert.deepEqual(
      ofCall,
      ofCall.toSorted((a, b) => a - b),
    );
  }
}

describe('I6: a consumer that does not read delays nobody', () => {
  for (const policy of ['CatchUp', 'Latest', 'Disconnect'] as const) {
    test(`under the policy ${policy}`, LIMIT, async () => {
      await using running = await startGateway({ slowConsumerPolicy: policy });
      const token = await running.token();
      const slow = await running.connect(`?token=${token}&v=1`);
      const other = await running.connect(`?token=${token}`);
      await untilFrame(slow, 'hello');
      slow.pause();
      const sent = await publishUntilBehind(running, other);
      // A connection that is behind for this long is slow; until then every policy tolerates a burst.
      if (policy === 'Latest') await delay(SLOW_AFTER_MS + 100);
      if (policy === 'Disconnect')
        await until('fewer than 2 connections', () => metric(running, 'firehose_connections'), {
          holds: (seen) => seen < 2,
        });
      slow.resume();
      if (policy === 'Disconnect') {
        // Cut off when it did not read the close in time.
        assert.ok([4429, 1006].includes((await slow.closed).code));
      } else {
        await until('nobody behind', () => metric(running, 'firehose_behind_connections'), {
          holds: (seen) => seen === 0,
        });
        await publishMarker(running);
        await until('the last event received by the slow client', () => numbers(slow).includes(-1));
      }
      const got = numbers(slow).filter((n) => n >= 0);
      assertOrdered(got);
      if (policy === 'CatchUp') assert.equal(got.length, sent);
      if (policy === 'Latest') {
        assert.ok(got.length < sent);
        const gap = await untilFrame(slow, 'gap');
        assert.equal(gap.reason, 'skipped_to_live');
        // A cursor is sealed again each time: two cursors of one position continue with the same event.
        const last = events(slow).findLast(({ n }) => n >= 0)?._firehose.cursor ?? '';
        const next = async (cursor: string | null) => {
          const resumed = await running.connect(`?token=${token}&v=1&cursor=${cursor}`);
          const [first] = await until('the next event', () => {
            const got = numbers(resumed);
            return got.length > 0 && got;
          });
          resumed.close();
          return first;
        };
        assert.equal(await next(gap.requested), await next(last));
      }
      for (const client of [slow, other]) client.close();
    });
  }
});

async function publishMarker(running: RunningGateway): Promise<void> {
  await running.ingest('{"Event-Name":"DTMF","Call-ID":"marker","n":-1,"Account-ID":"account_id_1"}');
}
