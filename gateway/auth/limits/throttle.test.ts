import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCounters } from './counters.ts';
import { createThrottle, delayOf, type ThrottlePolicy } from './throttle.ts';

const POLICY: ThrottlePolicy = { name: 'test', free: 10, windowS: 900, delaysS: [5, 10, 20, 40, 60] };
const throttle = (policy: ThrottlePolicy = POLICY) =>
  createThrottle(policy, createCounters({ redis: null, prefix: 'test:', resource: 'a/b' }));

test('delays grow with each failure and end with the longest', () => {
  assert.deepEqual(
    [10, 11, 12, 13, 14, 15, 1_000].map((failures) => delayOf(POLICY, failures)),
    [5, 10, 20, 40, 60, 60, 60],
  );
});

test('free failures are taken at once, then one try a delay, and each key counts for itself', async () => {
  const limit = throttle();
  for (let at = 1; at <= 10; at += 1) {
    const taken = await limit.take('a');
    assert.ok(taken.kind === 'taken');
    assert.deepEqual([taken.failures, taken.isDelayed], [at, at === 10]);
  }
  const refused = await limit.take('a');
  assert.ok(refused.kind === 'delayed' && refused.retryAfterS > 0 && refused.retryAfterS <= 5);
  assert.ok((await limit.wait('a')) > 0);
  assert.equal((await limit.read('a')).failures, 10);
  assert.equal(await limit.wait('b'), 0);
  assert.equal((await limit.take('b')).kind, 'taken');
});

test('what was refused is not counted, however often it is tried', async () => {
  const limit = throttle();
  for (let at = 0; at < 100; at += 1) await limit.take('a');
  assert.deepEqual([(await limit.read('a')).failures, (await limit.take('a')).kind], [10, 'delayed']);
});

test('tries in flight do not overshoot, and what is given back can be taken again', async () => {
  const limit = throttle();
  const tries = await Promise.all(Array.from({ length: 50 }, () => limit.take('a')));
  const taken = tries.filter((one) => one.kind === 'taken');
  assert.equal(taken.length, 10);
  for (const one of taken) await one.giveBack();
  assert.equal((await limit.read('a')).failures, 0);
  assert.equal((await limit.take('a')).kind, 'taken');
});

test('the delay ends by itself, and lifting it ends it at once', async () => {
  const limit = throttle({ ...POLICY, free: 1, delaysS: [1, 60] });
  await limit.take('a');
  assert.equal((await limit.take('a')).kind, 'delayed');
  const start = performance.now();
  while ((await limit.take('a')).kind === 'delayed') {
    assert.ok(performance.now() - start < 5_000, 'a delay of 1 s lasts longer than 5 s');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.ok((await limit.wait('a')) > 1);
  await limit.lift('a');
  assert.deepEqual(await limit.read('a'), { failures: 0, retryAfterS: 0, windowS: 0 });
  assert.equal((await limit.take('a')).kind, 'taken');
});
