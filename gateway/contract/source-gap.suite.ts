import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NewEvent } from '../../event-log/event-log.ts';
import { encodeSourceGap, SOURCE_GAP, sourceGapId, type SourceGap } from '../../protocol/source-gap.ts';
import { until } from '../../testing/until.ts';
import type { StartSource } from '../build.ts';
import { frames, untilFrame } from '../testing/frames.ts';
import type { Client, RunningGateway, StartOptions } from '../testing/running-gateway.ts';
import { event } from './gateway.suite.ts';

const LIMIT = { timeout: 30_000 };
export const TENANT = { username: 'operator', password: 'operatorpassword', domain: 'north' };
export const GAP: SourceGap = {
  source: 'telephony/pbx',
  endpoint: 'pbx-inner-1',
  reason: 'switch_restarted',
  from: Date.parse('2026-01-31T09:30:00.000Z'),
  to: Date.parse('2026-01-31T09:31:00.000Z'),
  legs_ended: 12,
  legs_begun: 3,
};

type Open = (options: StartOptions) => Promise<RunningGateway>;

/** A gateway, and its log as an embedded source has it. */
async function start(open: Open) {
  let append: (events: readonly NewEvent[]) => Promise<unknown> = () => Promise.reject(new Error('no source'));
  const source: StartSource = (_, { eventLog }) => void (append = (events) => eventLog.append(events));
  const running = await open({ source, environment: { FIREHOSE_SIMULATOR_RATE: '1' }, stream: { partitions: 1 } });
  return {
    running,
    /** An event, a gap, an event. */
    publish: async (n: number, gap: SourceGap = { ...GAP, from: GAP.from + n }, data = encodeSourceGap(gap)) => {
      await running.ingest(event('account_id_1', 'CHANNEL_ANSWER', n));
      const entry = { name: SOURCE_GAP, account: '', callId: gap.source, eventId: sourceGapId(gap), traceparent: '' };
      await append([{ ...entry, data: Buffer.from(data) }]);
      await running.ingest(event('account_id_1', 'CHANNEL_ANSWER', n + 1));
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}

/** What a control client received, in order: the numbers of events, and gaps of sources. */
function order({ messages }: Client): (number | 'gap')[] {
  return messages.flatMap((text): (number | 'gap')[] => {
    if (text.includes('"type":"source_gap"')) return ['gap'];
    const { n } = JSON.parse(text) as { n?: number };
    return n === undefined ? [] : [n];
  });
}

const untilOrder = (client: Client, expected: readonly (number | 'gap')[]) =>
  until(`${expected.join(', ')} received`, () => order(client).join(), { holds: (found) => found === expected.join() });

/** Gaps of sources over real sockets, for both logs. `hasGroups`: whether durable groups are served. */
export function sourceGapSuite(name: string, open: Open, hasGroups: boolean): void {
  describe(`a gap of a source on ${name}`, () => {
    test(
      'S4: reaches live, resumed, replaying and durable control clients at its place, and no plain one',
      LIMIT,
      async () => {
        await using gateway = await start(open);
        const { running, publish } = gateway;
        const token = await running.token();
        const live = await running.connect(`?token=${token}&v=1`);
        const filtered = await running.connect(`?token=${await running.token({ events: ['DTMF'] })}&v=1`);
        const plain = await running.connect(`?token=${token}`);
        const withMeta = await running.connect(`?token=${token}&meta=1`);
        const durable = hasGroups ? await running.connect(`?token=${token}&v=1&group=default`) : null;
        const pongs = hasGroups ? await running.connect(`?token=${await running.token(TENANT)}&group=default`) : null;
        await publish(1);
        await untilOrder(live, [1, 'gap', 2]);
        const { source, ...told } = await untilFrame(live, 'source_gap');
        assert.deepEqual(told, {
          type: 'source_gap',
          reason: 'switch_restarted',
          from: '2026-01-31T09:30:00.001Z',
          to: '2026-01-31T09:31:00.000Z',
          legs_ended: 12,
          legs_begun: 3,
        });
        assert.match(source, /^[A-Za-z0-9_-]{16}$/);
        await untilOrder(filtered, ['gap']);
        const [first] = live.messages.filter((text) => text.includes('"n":1'));
        const { cursor } = (JSON.parse(first ?? '') as { _firehose: { cursor: string } })._firehose;
        const resumed = await running.connect(`?token=${token}&v=1&cursor=${cursor}`);
        await untilOrder(resumed, ['gap', 2]);
        const [last] = resumed.messages.filter((text) => text.includes('"n":2'));
        const behind = (JSON.parse(last ?? '') as { _firehose: { cursor: string } })._firehose.cursor;
        const replay = await running.connect(`?token=${token}&v=1&from=-1h&to=-0s`);
        assert.equal((await replay.closed).code, 1000);
        assert.deepEqual(order(replay), [1, 'gap', 2]);
        await publish(3);
        const past = await running.connect(`?token=${token}&v=1&cursor=${behind}`);
        await untilOrder(past, [3, 'gap', 4]);
        for (const client of [live, resumed])
          await until('the second one', () => order(client).length, { holds: (count) => count >= 5 });
        assert.deepEqual(order(live), [1, 'gap', 2, 3, 'gap', 4]);
        // The last event belongs to the call of the first one, which is not acknowledged: the gaps wait for neither.
        if (durable !== null) await untilOrder(durable, [1, 'gap', 2, 3, 'gap']);
        for (const client of [plain, withMeta, ...(pongs === null ? [] : [pongs])]) {
          await client.received(4);
          assert.ok(client.messages.every((text) => !text.includes('source_gap')));
          assert.equal(client.messages.length, 4);
          client.close();
        }
        for (const client of [live, filtered, resumed, past, durable]) client?.close();
      },
    );

    test('says nothing of the platform to a tenant: no names, and no counts of other accounts', LIMIT, async () => {
      await using gateway = await start(open);
      const { running, publish } = gateway;
      const tenant = await running.connect(`?token=${await running.token(TENANT)}&v=1`);
      const chosen = await running.connect(`?token=${await running.token({ accounts: ['account_id_1'] })}&v=1`);
      await publish(1);
      for (const client of [tenant, chosen]) {
        const { legs_ended, legs_begun } = await untilFrame(client, 'source_gap');
        assert.deepEqual([legs_ended, legs_begun], [null, null]);
        assert.ok(client.messages.every((text) => !/telephony|pbx/.test(text)));
        client.close();
      }
    });

    test('one that cannot be read is poison, and a forged one is dropped by the ingest endpoint', LIMIT, async () => {
      await using gateway = await start(open);
      const { running, publish } = gateway;
      const client = await running.connect(`?token=${await running.token()}&v=1`);
      for (const account of ['account_id_1', '']) {
        const { body } = await running.ingest(event(account, SOURCE_GAP, 7));
        assert.deepEqual([body['accepted'], body['dropped']], [0, 1], JSON.stringify(body));
      }
      await publish(1, GAP, '{"source":"telephony/pbx"}');
      const { reason, missed } = await untilFrame(client, 'gap');
      assert.deepEqual([reason, missed], ['poison', 1]);
      await until('the event behind it', () => order(client), { holds: (found) => found.includes(2) });
      assert.deepEqual(
        frames(client)
          .map(({ type }) => type)
          .filter((type) => type === 'source_gap'),
        [],
      );
      client.close();
    });

    test('is counted once a replica, whatever the number of connections', LIMIT, async () => {
      await using gateway = await start(open);
      const { running, publish } = gateway;
      const token = await running.token();
      const clients = [await running.connect(`?token=${token}&v=1`), await running.connect(`?token=${token}&v=1`)];
      await publish(1);
      for (const client of clients) await untilOrder(client, [1, 'gap', 2]);
      const scrape = await (await fetch(`http://127.0.0.1:${running.gateway.innerPort}/metrics`)).text();
      const of = (metric: string) =>
        new RegExp(`^${metric} (\\d+)`, 'm').exec(scrape.replaceAll(/,?otel_scope[^,}]*/g, ''))?.[1];
      assert.equal(of('firehose_source_gaps_read_total\\{reason="switch_restarted"\\}'), '1');
      assert.equal(of('firehose_source_gaps_read_total\\{reason="overflow"\\}'), '0');
      assert.equal(of('firehose_deliveries_total(?:\\{\\})?'), '4');
      assert.equal(of('firehose_events_unroutable_total\\{outcome="unknown_account"\\}'), '0');
      for (const client of clients) client.close();
    });
  });
}
