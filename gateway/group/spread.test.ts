import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seedOf } from '../replica/rendezvous.ts';
import { Spread } from './spread.ts';

interface Connection {
  readonly name: string;
  readonly seed: number;
  gone: boolean;
  hasRoom: boolean;
}

const connection = (name: string): Connection => ({ name, seed: seedOf(name), gone: false, hasRoom: true });
const calls = Array.from({ length: 900 }, (_, at) => `call-${at}`);

test('calls are spread about evenly over the connections', () => {
  const spread = new Spread<Connection>();
  const connections = ['a', 'b', 'c'].map(connection);
  const counts: Record<string, number> = {};
  for (const call of calls) {
    const { name } = spread.choose(call, connections) ?? { name: 'nobody' };
    counts[name] = (counts[name] ?? 0) + 1;
  }
  for (const { name } of connections) assert.ok(Math.abs((counts[name] ?? 0) - 300) < 90, JSON.stringify(counts));
});

test('a call stays with its connection when others join, and moves when it is gone (I2)', () => {
  const spread = new Spread<Connection>();
  const connections = [connection('a'), connection('b')];
  const before = calls.map((call) => spread.choose(call, connections));
  connections.push(connection('c'), connection('d'));
  assert.deepEqual(
    calls.map((call) => spread.choose(call, connections)),
    before,
  );
  const gone = connections[0] as Connection;
  gone.gone = true;
  for (const [at, call] of calls.entries()) {
    const now = spread.choose(call, connections);
    assert.notEqual(now, gone);
    if (before[at] !== gone) assert.equal(now, before[at]);
  }
});

test('a full connection gets no new call while another has room', () => {
  const spread = new Spread<Connection>();
  const [full, free] = [connection('a'), connection('b')];
  full.hasRoom = false;
  for (const call of calls) assert.equal(spread.choose(call, [full, free]), free);
  assert.equal(spread.choose('other', [full]), full);
});

test('what is remembered is bounded, and goes with the partition (I10)', () => {
  const spread = new Spread<Connection>(10);
  const connections = [connection('a')];
  for (const call of calls) spread.choose(call, connections);
  assert.ok(spread.size <= 20);
  spread.clear();
  assert.equal(spread.size, 0);
  assert.equal(spread.choose('call', []), null);
});
