import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './event-loop-turns.ts';

/** Turns on a clock that moves by the waits and by the work alone. */
function openTurns() {
  let now = 0;
  let scheduled: { turn: () => void; at: number }[] = [];
  const done: { name: string; at: number }[] = [];
  const turns = new Turns(
    () => now,
    (turn, waitMs) => scheduled.push({ turn, at: now + Math.max(0, waitMs) }),
  );
  return {
    turns,
    done,
    /** Work that takes so long. */
    work: (name: string, costMs: number) => () => {
      done.push({ name, at: now });
      now += costMs;
      return true;
    },
    /** The times at which a turn began. */
    runAll: (): number[] => {
      const begun: number[] = [];
      for (let next = scheduled.shift(); next !== undefined; next = scheduled.shift()) {
        now = Math.max(now, next.at);
        begun.push(now);
        next.turn();
        assert.ok(scheduled.length <= 1, 'one turn waits at a time');
        assert.ok(begun.length < 1_000, 'the turns never end');
      }
      scheduled = [];
      return begun;
    },
  };
}

test('work runs in slices of about a millisecond, with a pause of a millisecond between them', () => {
  const { turns, done, work, runAll } = openTurns();
  for (let at = 0; at < 9; at += 1) turns.run('one', work(String(at), 0.4));
  assert.equal(done.length, 0, 'nothing runs before its turn');
  const begun = runAll();
  assert.deepEqual(
    done.map(({ name }) => name),
    ['0', '1', '2', '3', '4', '5', '6', '7', '8'],
  );
  assert.equal(begun.length, 3);
  for (const [at, start] of begun.entries()) {
    assert.equal(done.filter((one) => one.at >= start && one.at < start + 2).length, 3, `slice ${at}`);
  }
  turns.run('one', work('late', 0.1));
  runAll();
  assert.equal(done.at(-1)?.name, 'late');
});

test('I15: however much one address begins, another one waits for one piece of its work', () => {
  const { turns, done, work, runAll } = openTurns();
  for (let at = 0; at < 1_000; at += 1) turns.run('greedy', work('greedy', 0.5));
  turns.run('honest', work('honest', 0.5));
  runAll();
  assert.equal(
    done.findIndex(({ name }) => name === 'honest'),
    1,
  );
});

test('I15: slow work runs one piece in 10 ms, holds up no other, and a full lane takes none', () => {
  const { turns, done, work, runAll } = openTurns();
  let taken = 0;
  while (turns.runSlowly('hostile', work('slow', 0.5))) taken += 1;
  assert.ok(turns.isFull('hostile'));
  assert.equal(turns.isFull('another'), false);
  assert.equal(taken, 100);
  turns.run('honest', work('honest', 0.5));
  runAll();
  assert.ok(done.findIndex(({ name }) => name === 'honest') <= 1);
  const slow = done.filter(({ name }) => name === 'slow');
  assert.equal(slow.length, 100);
  for (const [at, one] of slow.entries()) {
    if (at > 0) assert.ok(one.at - (slow[at - 1]?.at ?? 0) >= 10, 'at least 10 ms apart');
  }
  assert.equal(turns.isFull('hostile'), false);
});

test('slow work that its client gave up takes no turn from others', () => {
  const { turns, done, work, runAll } = openTurns();
  for (let at = 0; at < 100; at += 1) turns.runSlowly('gone', () => false);
  turns.runSlowly('honest', work('honest', 0.5));
  const begun = runAll();
  assert.deepEqual(done, [{ name: 'honest', at: 0 }]);
  assert.ok(begun.length <= 2);
});
