import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seedOf } from '../replica/rendezvous.ts';
import { Spread } from './spread.ts';

interface Connection {
  readonly name: string;
  readonly seed: number;
  hasRoom: boolean;
  isHung: boolean;
}

const connection = (name: string): Connection => ({ name, seed: seedOf(name), hasRoom: true, isHung: false });
const numbered = (...names: string[]) => new Map(names.map((name, number) => [number, connection(name)]));
const calls = Array.from({ length: 900 }, (_, at) => `call-${at}`);

test('calls are spread about evenly over the connections', () => {
  const spread = new Spread();
  const connections = numbered('a', 'b', 'c');
  const counts: Record<string, number> = {};
  for (const call of calls) {
    const { name } = spread.choose(call, connections) ?? { name: 'nobody' };
    counts[name] = (counts[name] ?? 0) + 1;
  }
  for (const name of ['a', 'b', 'c']) assert.ok(Math.abs((counts[name] ?? 0) - 300) < 90, JSON.stringify(counts));
});

test('a call stays with its connection when others join, and moves when it is gone (I2)', () => {
  const spread = new Spread();
  const connections = numbered('a', 'b');
  const before = calls.map((call) => spread.choose(call, connections));
  connections.set(2, connection('c'));
  connections.set(3, connection('d'));
  assert.deepEqual(
    calls.map((call) => spread.choose(call, connections)),
    before,
  );
  const gone = connections.get(0);
  connections.delete(0);
  for (const [at, call] of calls.entries()) {
    const now = spread.choose(call, connections);
    assert.notEqual(now, gone);
    if (before[at] !== gone) assert.equal(now, before[at]);
  }
});

test('a full connection gets no new call while another has room', () => {
  const spread = new Spread();
  const connections = numbered('full', 'free');
  const full = connections.get(0) as Connection;
  full.hasRoom = false;
  for (const call of calls) assert.equal(spread.choose(call, connections)?.name, 'free');
  assert.equal(spread.choose('other', new Map([[0, full]])), full);
});

test('what is remembered is bounded (I10)', () => {
  const spread = new Spread(10);
  const connections = numbered('a');
  for (const call of calls) spread.choose(call, connections);
  assert.ok(spread.size <= 20);
  assert.equal(spread.choose('call', new Map()), null);
});

test('a call leaves a member that hangs, and goes to a hung one only where all hang (I14)', () => {
  const spread = new Spread();
  const members = numbered('a', 'b', 'c');
  const a = members.get(0) as Connection;
  const before = calls.map((call) => spread.choose(call, members));
  a.isHung = true;
  for (const [at, call] of calls.entries()) {
    const now = spread.choose(call, members);
    assert.notEqual(now, a);
    if (before[at] !== a) assert.equal(now, before[at]);
  }
  for (const member of members.values()) member.isHung = true;
  assert.ok(spread.choose('another', members));
  assert.notEqual(spread.moveFrom(0, 'call-0', members), a);
  assert.equal(spread.moveFrom(0, 'call-0', new Map([[0, a]])), null);
});

test('a call that was moved stays with its new member', () => {
  const spread = new Spread();
  const members = numbered('a', 'b');
  for (const call of calls) {
    const first = [...members].find(([, member]) => member === spread.choose(call, members))?.[0] ?? 0;
    const moved = spread.moveFrom(first, call, members);
    assert.notEqual(moved, members.get(first));
    assert.equal(spread.choose(call, members), moved);
  }
});
