import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { test } from 'node:test';
import { createPace, within } from './pace.ts';

test('I15: of all who write calls one goes on in a turn of the event loop, in the order in which they came', async () => {
  const turn = createPace();
  const gone: number[] = [];
  const all = Promise.all(Array.from({ length: 5 }, (_, n) => turn().then(() => gone.push(n))));
  for (let n = 0; gone.length < 5; n += 1) {
    assert.ok(gone.length <= n + 1, `${gone.length} went on in ${n} turns`);
    await nextTurn();
  }
  await all;
  assert.deepEqual(gone, [0, 1, 2, 3, 4]);
  await turn();
});

test('a caller may take a quarter of a millisecond, or a tenth of a turn that lasts long, but never more than five', async () => {
  let clock = 0;
  const turn = createPace(() => clock);
  const after = async (lastedMs: number) => {
    const share = turn();
    clock += lastedMs;
    return share;
  };
  assert.equal(await after(0.1), 0.25);
  assert.equal(await after(40), 4);
  assert.equal(await after(1_000), 5);
  assert.equal(await after(1), 0.25, 'every time anew');
});

test('I11: a wait for a peer that never reads has an end', async () => {
  assert.equal(await within(1, () => undefined), false);
  assert.equal(await within(60_000, (done) => setImmediate(done)), true);
});
