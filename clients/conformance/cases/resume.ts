import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { until } from '../../../testing/until.ts';
import { connected, eachOnce, gave, never, REPLAY, type Case } from '../case.ts';
import type { Stage } from '../stage.ts';

const isEvent = (text: string) => !text.startsWith('{"_firehose":');

/** A close after which a client reconnects with its cursor, and loses nothing. */
function comesBack(code: number, word: string | undefined): Case {
  return {
    name: `resume/close-${code}`,
    rules: ['L2', 'L5'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      await stage.produce(0, 10);
      await gave(adapter, 10);
      stage.proxy.last.close(code, word);
      await stage.produce(10, 20);
      await gave(adapter, 20);
      eachOnce(adapter.numbers, 20);
      assert.ok(stage.proxy.last.query.get('cursor'));
    },
  };
}

/** An adapter that accepts nothing more once it has reported this event: it is within the handler. */
async function pausedAt(stage: Stage, n: number) {
  const adapter = stage.start({ ...REPLAY, cursor_file: stage.cursorFile });
  adapter.order({ do: 'pause_at', n });
  await adapter.says(`event ${n}`, ({ event }) => event?.['n'] === n);
  return adapter;
}

export const RESUME: readonly Case[] = [
  {
    name: 'resume/cuts',
    rules: ['L2', 'L4', 'L5'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      // Each cut doubles the longest wait.
      for (let cut = 0; cut < 6; cut += 1) {
        await stage.produce(cut * 20, cut * 20 + 20);
        await adapter.says('events', ({ event }) => Number(event?.['n']) >= cut * 20);
        stage.proxy.last.cut();
        await connected(stage, cut + 2);
      }
      await gave(adapter, 120);
      eachOnce(adapter.numbers, 120);
    },
  },
  {
    name: 'resume/cursor',
    rules: ['L4'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      await stage.produce(0, 5);
      await gave(adapter, 5);
      const cursors = stage.proxy.last.received.flatMap((text) => /"cursor":"([^"]+)"/.exec(text)?.[1] ?? []);
      stage.proxy.last.cut();
      await connected(stage, 2);
      assert.equal(stage.proxy.last.query.get('cursor'), cursors.at(-1));
      assert.equal(stage.proxy.last.query.get('from'), null);
    },
  },
  {
    name: 'resume/duplicates',
    rules: ['L5'],
    async run(stage) {
      const former: string[] = [];
      stage.proxy.script.message = (text, n) => {
        if (!isEvent(text)) return [text];
        if (n === 0) former.push(text);
        // The second connection begins with the first one's messages, and sends each event twice.
        return n === 0 ? [text] : [...former.splice(0), text, text];
      };
      const adapter = stage.start(REPLAY);
      await connected(stage);
      await stage.produce(0, 20);
      await gave(adapter, 20);
      stage.proxy.last.cut();
      await connected(stage, 2);
      await stage.produce(20, 30);
      await gave(adapter, 30);
      eachOnce(adapter.numbers, 30);
    },
  },
  {
    name: 'resume/killed',
    rules: ['L4'],
    async run(stage) {
      const seen: number[] = [];
      for (let round = 0; round < 3; round += 1) {
        await stage.produce(round * 50, round * 50 + 50);
        const adapter = stage.start({ ...REPLAY, cursor_file: stage.cursorFile });
        await adapter.says('events', ({ event }) => Number(event?.['n']) >= round * 50 + 25);
        if (round < 2) await adapter.kill();
        else await until('the rest', () => new Set([...seen, ...adapter.numbers]).size === 150);
        seen.push(...adapter.numbers);
      }
      assert.equal(new Set(seen).size, 150, 'nothing is lost');
    },
  },
  {
    name: 'resume/unfinished',
    rules: ['L4'],
    async run(stage) {
      await stage.produce(0, 1);
      const first = await pausedAt(stage, 0);
      await first.kill();
      const second = stage.start({ ...REPLAY, cursor_file: stage.cursorFile });
      await second.says('the event whose handler did not finish', ({ event }) => event?.['n'] === 0);
    },
  },
  {
    name: 'resume/kept',
    rules: ['L4'],
    async run(stage) {
      await stage.produce(0, 3, { 'Call-ID': 'one' });
      const first = await pausedAt(stage, 2);
      // The items before it are finished, and their cursor is saved soon.
      await never('wait for the store', () => false, 500);
      await first.kill();
      const second = stage.start({ ...REPLAY, cursor_file: stage.cursorFile });
      await second.says('the third', ({ event }) => event?.['n'] === 2);
      assert.deepEqual(second.numbers, [2]);
    },
  },
  {
    name: 'resume/bad-cursor-file',
    rules: ['L4'],
    async run(stage) {
      await writeFile(stage.cursorFile, 'not a cursor!');
      const { is, code } = await stage.start({ cursor_file: stage.cursorFile }).done();
      assert.deepEqual([is, code], ['error', 'cursor_store']);
      assert.equal(stage.proxy.connections.length, 0, 'no start from now');
    },
  },
  ...(
    [
      [1000, undefined],
      [1001, 'shutdown'],
      [1012, 'rolling_restart'],
      [1013, 'login_busy'],
      [4408, 'no_traffic'],
      [4429, 'slow_consumer'],
    ] as const
  ).map(([code, word]) => comesBack(code, word)),
  {
    name: 'resume/half-open',
    rules: ['L8'],
    async run(stage) {
      const adapter = stage.start(REPLAY);
      await connected(stage);
      await stage.produce(0, 5);
      await gave(adapter, 5);
      stage.proxy.last.stall();
      await stage.produce(5, 10);
      await until('another connection', () => stage.proxy.connections.length > 1, { limitMs: 85_000 });
      await gave(adapter, 10);
      eachOnce(adapter.numbers, 10);
    },
  },
];
