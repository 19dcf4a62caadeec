import assert from 'node:assert/strict';
import { until } from '../../../testing/until.ts';
import { connected, eachOnce, gave, REPLAY, type Case } from '../case.ts';

const GAP = { type: 'gap', reason: 'trimmed', requested: null, oldest: null, missed: 7 };
const SOURCE_GAP = {
  type: 'source_gap',
  source: 's',
  reason: 'connection_lost',
  from: '2026-01-01T00:00:00.000Z',
  to: '2026-01-01T00:00:01.000Z',
  legs_ended: null,
  legs_begun: null,
};

export const LOSS: readonly Case[] = [
  {
    name: 'gap/item',
    rules: ['L6'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      stage.proxy.last.inject(GAP);
      await stage.produce(0, 5);
      await gave(adapter, 5);
      assert.deepEqual(
        adapter.of('gap').map(({ reason }) => reason),
        ['trimmed'],
      );
    },
  },
  {
    name: 'gap/fail',
    rules: ['L6'],
    async run(stage) {
      const adapter = stage.start({ ...REPLAY, on_gap: 'fail' });
      await connected(stage);
      assert.equal(stage.proxy.last.query.get('on_gap'), 'fail');
      stage.proxy.last.inject(GAP);
      const { is, code, reason } = await adapter.done();
      assert.deepEqual([is, code, reason], ['error', 'gap', 'trimmed']);
    },
  },
  {
    name: 'gap/source',
    rules: ['L6'],
    async run(stage) {
      const adapter = stage.start();
      await connected(stage);
      stage.proxy.last.inject(SOURCE_GAP);
      await adapter.says('the gap', ({ is, reason }) => is === 'gap' && reason === 'source_gap');
    },
  },
  {
    name: 'gap/close-4410',
    rules: ['L6'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      stage.proxy.last.close(4410, 'epoch_lost');
      await adapter.says('the gap', ({ is, reason }) => is === 'gap' && reason === 'epoch_lost');
      await connected(stage, 2);
      await stage.produce(0, 5);
      await gave(adapter, 5);
    },
  },
  {
    name: 'drain/moves',
    rules: ['L9'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      await stage.produce(0, 10);
      const asked = performance.now();
      const former = stage.proxy.last;
      former.inject({ type: 'drain', retry_after_ms: 1_500 });
      await connected(stage, 2);
      assert.ok(stage.proxy.last.at - asked >= 1_500, 'not before its time');
      assert.ok(former.endedAt === null || former.endedAt >= stage.proxy.last.at, 'the new one before the former ends');
      await until('the former to be left', () => former.endedAt !== null);
      await stage.produce(10, 20);
      await gave(adapter, 20);
      eachOnce(adapter.numbers, 20);
    },
  },
  {
    name: 'drain/group',
    rules: ['L9'],
    async run(stage) {
      await stage.produce(0, 3, { 'Call-ID': 'one' });
      const adapter = stage.start({ mode: 'group' });
      for (let n = 0; n < 3; n += 1) {
        const { id } = await adapter.says('a delivery', ({ event }) => event?.['n'] === n);
        adapter.order({ do: 'ack', id });
      }
      const former = stage.proxy.last;
      former.inject({ type: 'drain', retry_after_ms: 500 });
      await until('another connection', () => stage.proxy.connections.length > 1);
      assert.ok(former.endedAt !== null && former.endedAt <= stage.proxy.last.at, 'after the former has ended');
    },
  },
  {
    name: 'hostile/unknown-frames',
    rules: ['L6'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      stage.proxy.last.inject({ type: 'of_a_newer_gateway', cursor: null, deep: { key: [1] } });
      for (const text of ['', 'not JSON', '[]', 'null', '{}', '{"_firehose":1}', '7']) stage.proxy.last.say(text);
      await stage.produce(0, 5);
      await gave(adapter, 5);
      eachOnce(adapter.numbers, 5);
      assert.equal(stage.proxy.connections.length, 1);
    },
  },
  {
    name: 'hostile/large-event',
    rules: ['L7'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      await stage.produce(0, 1, { filler: 'x'.repeat(60_000) });
      await gave(adapter, 1);
      assert.equal(String(adapter.of('event')[0]?.event?.['filler']).length, 60_000);
    },
  },
  {
    name: 'flow/slow-consumer',
    rules: ['L7', 'K4'],
    async run(stage) {
      const events = 6_000;
      const adapter = stage.start(REPLAY);
      await connected(stage);
      await stage.produce(0, 10);
      await gave(adapter, 10);
      adapter.order({ do: 'pause' });
      await stage.produce(10, 20);
      const before = await adapter.memory();
      for (let n = 20; n < events; n += 230)
        await stage.produce(n, Math.min(n + 230, events), { filler: 'x'.repeat(3_000) });
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      const grown = (await adapter.memory()) - before;
      assert.ok(
        grown < 12 * 1_048_576,
        `the client holds ${Math.round(grown / 1_024)} KB more while its caller is busy`,
      );
      adapter.order({ do: 'resume' });
      await gave(adapter, events);
      eachOnce(adapter.numbers, events);
    },
  },
];
