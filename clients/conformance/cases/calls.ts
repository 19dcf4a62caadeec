import assert from 'node:assert/strict';
import { until } from '../../../testing/until.ts';
import { connected, type Case } from '../case.ts';
import type { Adapter, Said } from '../adapter.ts';
import type { Stage } from '../stage.ts';

const CALLS = { mode: 'calls' } as const;
const NAMES = ['CHANNEL_ANSWER', 'CHANNEL_HOLD', 'CHANNEL_UNHOLD', 'PARK_PARKED', 'RECORD_START', 'CHANNEL_DESTROY'];

/** The table as the caller has it after the reports: the last snapshot and the changes since. */
function tableOf({ said }: Adapter): Map<unknown, NonNullable<Said['call']>> {
  const table = new Map<unknown, NonNullable<Said['call']>>();
  for (const { is, kind, call, calls } of said) {
    if (is === 'snapshot') {
      table.clear();
      for (const one of calls ?? []) table.set(one['call_id'], one);
    }
    if (is !== 'change' || call === undefined) continue;
    if (kind === 'ended') table.delete(call['call_id']);
    else table.set(call['call_id'], call);
  }
  return table;
}

const states = (adapter: Adapter) =>
  Object.fromEntries(
    [...tableOf(adapter)]
      .map(([id, call]) => [String(id), String(call['state'])] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );

async function becomes(adapter: Adapter, expected: Readonly<Record<string, string>>): Promise<void> {
  await until('the table', () => states(adapter), {
    holds: (seen) => JSON.stringify(seen) === JSON.stringify(expected),
    limitMs: 60_000,
  });
}

/** Without times: they differ by the milliseconds between the gateway's clock and the log's. */
function withoutTimes(call: Readonly<Record<string, unknown>>): object {
  const { state_since: _1, created_at: _2, answered_at: answered, ...rest } = call;
  return { ...rest, answered: answered !== null };
}

async function sameAsGateway(stage: Stage, adapter: Adapter): Promise<void> {
  const [expected, seen] = [await stage.calls(), [...tableOf(adapter).values()]].map((calls) =>
    calls.map(withoutTimes).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
  );
  assert.deepEqual(seen, expected);
}

export const CALLS_CASES: readonly Case[] = [
  {
    name: 'calls/follows',
    rules: ['L13', 'L15'],
    async run(stage) {
      await stage.leg('a', 'CHANNEL_CREATE');
      const adapter = stage.start(CALLS);
      await becomes(adapter, { a: 'ringing' });
      assert.equal(stage.proxy.last.query.get('snapshot'), 'calls');
      await stage.leg('b', 'CHANNEL_CREATE');
      await stage.leg('a', 'CHANNEL_ANSWER');
      await becomes(adapter, { a: 'answered', b: 'ringing' });
      await stage.leg('a', 'CHANNEL_DESTROY');
      await becomes(adapter, { b: 'ringing' });
      assert.deepEqual(
        adapter.of('change').map(({ kind, call }) => `${kind} ${String(call?.['call_id'])}`),
        ['began b', 'changed a', 'ended a'],
      );
    },
  },
  {
    name: 'calls/cut-in-snapshot',
    rules: ['L13'],
    async run(stage) {
      for (const id of ['a', 'b', 'c']) await stage.leg(id, 'CHANNEL_CREATE');
      stage.proxy.script.message = (text, n) => {
        if (n > 0 || !text.includes('"type":"snapshot_end"')) return [text];
        stage.proxy.last.cut();
        return [];
      };
      const adapter = stage.start(CALLS);
      await becomes(adapter, { a: 'ringing', b: 'ringing', c: 'ringing' });
      assert.equal(stage.proxy.connections.length, 2);
      assert.equal(stage.proxy.last.query.get('cursor'), null, 'a snapshot that has not ended gives no cursor');
      assert.equal(adapter.of('snapshot').length, 1);
    },
  },
  {
    name: 'calls/resumes',
    rules: ['L14'],
    async run(stage) {
      await stage.leg('a', 'CHANNEL_CREATE');
      const adapter = stage.start(CALLS);
      await becomes(adapter, { a: 'ringing' });
      stage.proxy.last.cut();
      await stage.leg('a', 'CHANNEL_ANSWER');
      await becomes(adapter, { a: 'answered' });
      assert.ok(stage.proxy.last.query.get('cursor'));
      assert.equal(adapter.of('snapshot').length, 1, 'the table was kept');
    },
  },
  {
    name: 'calls/gap',
    rules: ['L6', 'L14'],
    async run(stage) {
      await stage.leg('a', 'CHANNEL_CREATE');
      const adapter = stage.start(CALLS);
      await becomes(adapter, { a: 'ringing' });
      const call = tableOf(adapter).get('a') ?? {};
      const { last } = stage.proxy;
      last.inject({ type: 'gap', reason: 'trimmed', requested: null, oldest: null, missed: null });
      await adapter.says('the gap', ({ is }) => is === 'gap');
      const cursor = last.received.flatMap((text) => /"cursor":"([^"]+)"/.exec(text)?.[1] ?? []).at(-1);
      last.inject({ type: 'snapshot_begin', cursor, as_of: '2026-01-01T00:00:00.000Z', reason: 'gap' });
      last.inject({ type: 'call', call: { ...call, call_id: 'b', state: 'held' } });
      last.inject({ type: 'snapshot_end', cursor, calls: 1 });
      await becomes(adapter, { b: 'held' });
    },
  },
  {
    name: 'calls/refresh',
    rules: ['L14'],
    async run(stage) {
      const adapter = stage.start(CALLS);
      await adapter.says('the first', ({ is }) => is === 'snapshot');
      await stage.leg('a', 'CHANNEL_CREATE');
      await becomes(adapter, { a: 'ringing' });
      // At most one in ten seconds.
      await until(
        'another snapshot',
        async () => {
          adapter.order({ do: 'refresh' });
          await new Promise((resolve) => setTimeout(resolve, 1_000));
          return adapter.of('snapshot').length > 1;
        },
        { limitMs: 60_000 },
      );
      assert.ok(stage.proxy.last.sent.some(({ snapshot }) => snapshot === 'calls'));
      assert.deepEqual(states(adapter), { a: 'ringing' });
    },
  },
  {
    name: 'calls/same-as-gateway',
    rules: ['L13', 'L14', 'L15'],
    async run(stage) {
      const adapter = stage.start(CALLS);
      await connected(stage);
      for (let n = 0; n < 60; n += 1) {
        const id = `leg-${n % 13}`;
        const parties = { 'Caller-ID-Number': `10${n}`, 'Other-Leg-Call-ID': `leg-${(n * 7) % 13}`, Node: 'switch-1' };
        await stage.leg(id, 'CHANNEL_CREATE', { From: `${n}@a`, 'Call-Direction': 'inbound', n });
        await stage.leg(id, NAMES[n % NAMES.length] ?? '', { ...parties, 'Parking-Slot': '7', n: n + 1_000 });
        if (n % 15 === 14) stage.proxy.last.cut();
      }
      await stage.leg('last', 'CHANNEL_CREATE');
      await until('the last event', () => tableOf(adapter).has('last'), { limitMs: 60_000 });
      await sameAsGateway(stage, adapter);
    },
  },
];
