import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until, WaitedInVain } from './until.ts';

test('the value that holds is returned, however late it comes', async () => {
  let looks = 0;
  const found = await until('the third look', () => ((looks += 1) < 3 ? null : looks));
  assert.equal(found, 3);
  assert.equal(await until('zero', async () => 0), 0, '0 is a value');
  assert.equal(await until('more than 5', () => (looks += 1), { holds: (seen) => seen > 5 }), 6);
});

test('at the limit the error names what was waited for and the last value', async () => {
  let looks = 0;
  const look = () => {
    looks += 1;
    return { events: 4 };
  };
  const waiting = until('9 events', look, { holds: ({ events }) => events === 9, limitMs: 30 });
  await assert.rejects(waiting, (error: unknown) => {
    assert.ok(error instanceof WaitedInVain && error.code === 'waited_in_vain');
    assert.equal(error.message, 'waited 30 ms for: 9 events; last seen: { events: 4 }');
    return true;
  });
  assert.ok(looks > 1);
});

test('a look that throws does not end the wait; at the limit its error is the cause', async () => {
  let looks = 0;
  const answers = () => {
    if ((looks += 1) < 3) throw new Error('connection refused');
    return true;
  };
  assert.equal(await until('an answer', answers), true);
  const refused = new Error('connection refused');
  const waiting = until('an answer', () => Promise.reject(refused), { limitMs: 20 });
  await assert.rejects(waiting, (error: Error) => {
    assert.match(error.message, /^waited 20 ms for: an answer; last seen: Error: connection refused/);
    return error.cause === refused;
  });
});
