import assert from 'node:assert/strict';
import { until } from '../../../testing/until.ts';
import { connected, never, type Case } from '../case.ts';
import type { Adapter } from '../adapter.ts';

const GROUP = { mode: 'group' } as const;

/** The first delivery of this event, or a later one. */
const delivery = (adapter: Adapter, n: number, attempt = 1) =>
  adapter.says(
    `delivery ${attempt} of event ${n}`,
    (said) => said.event?.['n'] === n && (said.attempt ?? 0) >= attempt,
  );

export const GROUP_CASES: readonly Case[] = [
  {
    name: 'group/ack',
    rules: ['L12'],
    async run(stage) {
      await stage.produce(0, 5, { 'Call-ID': 'one' });
      const adapter = stage.start(GROUP);
      for (let n = 0; n < 5; n += 1) adapter.order({ do: 'ack', id: (await delivery(adapter, n)).id });
      await until('acknowledgements', () => JSON.stringify(stage.proxy.last.sent).split('"ack"').length > 5);
      stage.proxy.last.cut();
      await connected(stage, 2);
      await stage.produce(5, 6, { 'Call-ID': 'one' });
      await delivery(adapter, 5);
      assert.deepEqual(adapter.numbers, [0, 1, 2, 3, 4, 5]);
    },
  },
  {
    name: 'group/ack-lost',
    rules: ['L12'],
    async run(stage) {
      stage.proxy.script.frame = (frame, n) => n > 0 || !('ack' in frame);
      await stage.produce(0, 2, { 'Call-ID': 'one' });
      const adapter = stage.start(GROUP);
      const { id } = await delivery(adapter, 0);
      adapter.order({ do: 'ack', id });
      await until('the acknowledgement', () => stage.proxy.last.sent.some((frame) => 'ack' in frame));
      stage.proxy.last.cut();
      await connected(stage, 2);
      await until('it is acknowledged again', () =>
        stage.proxy.last.sent.some(({ ack }) => Array.isArray(ack) && ack.includes(id)),
      );
      await delivery(adapter, 1);
      assert.equal(adapter.numbers.filter((n) => n === 0).length, 1, 'its caller has it once');
    },
  },
  {
    name: 'group/nack',
    rules: ['L12'],
    async run(stage) {
      await stage.produce(0, 1);
      const adapter = stage.start(GROUP);
      adapter.order({ do: 'nack', id: (await delivery(adapter, 0)).id, delay_ms: 0 });
      adapter.order({ do: 'ack', id: (await delivery(adapter, 0, 2)).id });
      await until('the frames', () => stage.proxy.last.sent.some((frame) => 'ack' in frame));
      const nack = stage.proxy.last.sent.find((frame) => 'nack' in frame);
      assert.equal(nack?.['delay_ms'], 0);
    },
  },
  {
    name: 'group/term',
    rules: ['L12'],
    async run(stage) {
      await stage.produce(0, 1);
      const adapter = stage.start(GROUP);
      adapter.order({ do: 'term', id: (await delivery(adapter, 0)).id, reason: 'unreadable' });
      await until('the frame', () => stage.proxy.last.sent.some(({ reason }) => reason === 'unreadable'));
      await never('it comes again', () => adapter.numbers.length > 1, 2_000);
    },
  },
  {
    name: 'group/progress',
    rules: ['L12'],
    async run(stage) {
      await stage.produce(0, 1);
      const adapter = stage.start({ ...GROUP, progress_ms: 1_000 });
      const { id } = await delivery(adapter, 0);
      await until('progress', () => stage.proxy.last.sent.filter(({ progress }) => progress === id).length >= 2);
      // The group's ackWait is 5 s: without progress it would be delivered again.
      await never('it comes again', () => adapter.numbers.length > 1, 6_000);
    },
  },
  {
    name: 'group/concurrency',
    rules: ['L12'],
    async run(stage) {
      await stage.produce(0, 20, {});
      const adapter = stage.start({ ...GROUP, concurrency: 3, progress_ms: 1_000 });
      await until('three under way', () => adapter.of('delivery').length === 3);
      await never('a fourth', () => adapter.of('delivery').length > 3, 1_500);
      adapter.order({ do: 'ack', id: adapter.of('delivery')[1]?.id });
      await until('one more', () => adapter.of('delivery').length === 4);
    },
  },
];
