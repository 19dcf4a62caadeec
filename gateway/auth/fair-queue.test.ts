import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { FairQueue } from './fair-queue.ts';

const drain = <T>(queue: FairQueue<T>): T[] => Array.from({ length: queue.size }, () => queue.shift() as T);

test('lanes take turns, and items of one lane keep their order', () => {
  const queue = new FairQueue<string>(10);
  for (const item of ['a1', 'a2', 'a3', 'b1', 'b2', 'c1']) queue.push(item, [item.slice(0, 1)]);
  assert.deepEqual(drain(queue), ['a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  assert.equal(queue.lanes, 0);
});

test('an item waits for the slowest of its lanes: neither many users nor many addresses win', () => {
  const queue = new FairQueue<string>(10_000);
  for (let at = 0; at < 1_000; at += 1) queue.push('one address', [`user-${at}`, 'address-x']);
  for (let at = 0; at < 1_000; at += 1) queue.push('one user', ['user-x', `address-${at}`]);
  queue.push('victim', ['user-v', 'address-v']);
  assert.ok(drain(queue).indexOf('victim') <= 2);
});

test('a lane that comes back at once does not starve one that waits', () => {
  const queue = new FairQueue<string>(100);
  for (let at = 0; at < 5; at += 1) queue.push(`patient-${at}`, ['patient']);
  const served: string[] = [];
  for (let at = 0; at < 12; at += 1) {
    queue.push(`hasty-${at}`, ['hasty']);
    served.push(queue.shift() ?? '');
  }
  assert.equal(served.filter((item) => item.startsWith('patient')).length, 5, served.join(' '));
});

test('lanes are bounded even while none of them gets a turn', () => {
  const queue = new FairQueue<number>(4);
  for (let at = 0; at < 1_000; at += 1) queue.push(at, [`lane-${at}`]);
  assert.ok(queue.lanes <= 32);
});

test('a full queue drops the last item of the longest lane, or the new one when its lane is that one', () => {
  const queue = new FairQueue<string>(3);
  for (const item of ['a1', 'a2', 'a3']) assert.equal(queue.push(item, ['a']), null);
  assert.equal(queue.push('a4', ['a']), 'a4');
  assert.equal(queue.push('b1', ['b']), 'a3');
  assert.equal(queue.push('c1', ['c']), 'a2');
  assert.equal(queue.push('d1', ['d']), 'd1');
  assert.deepEqual(drain(queue), ['a1', 'b1', 'c1']);
});

test('whatever comes and goes, nothing is lost or doubled, and no lane is remembered (I10)', () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('push' as const), lane: fc.nat(4), other: fc.nat(4) }),
    fc.record({ do: fc.constantFrom('shift' as const, 'remove' as const), at: fc.nat(30) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new FairQueue<number>(8);
      const inside = new Set<number>();
      steps.forEach((step, at) => {
        if (step.do === 'push') {
          inside.add(at);
          const dropped = queue.push(at, [`u${step.lane}`, `a${step.other}`]);
          if (dropped !== null) assert.ok(inside.delete(dropped));
        } else if (step.do === 'shift') {
          const item = queue.shift();
          assert.equal(item !== undefined && inside.delete(item), item !== undefined);
        } else {
          queue.remove(step.at);
          inside.delete(step.at);
        }
        assert.equal(queue.size, inside.size);
      });
      for (const item of drain(queue)) assert.ok(inside.delete(item));
      assert.deepEqual([inside.size, queue.lanes], [0, 0]);
    }),
  );
});
