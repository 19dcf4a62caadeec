import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './event-loop-turns.ts';

/**
 * Simulates turns with a clock that advances by the waits, by the work and by the loop's other work, which takes this
 * share of each wait. Callbacks that are due after a piece run at once.
 */
function openTurns({ busy = 0 } = {}) {
  let now = 0;
  let idle = 0;
  const scheduled: { turn: () => void; at: number }[] = [];
  const due: (() => void)[] = [];
  const done: { name: string; at: number }[] = [];
  const turns = new Turns({
    now: () => now,
    idleTime: () => idle,
    schedule: (turn, waitMs) => scheduled.push({ turn, at: now + Math.max(0, waitMs) }),
    behind: (work) => due.push(work),
  });
  return {
    turns,
    done,
    /** Work with this duration, and a further duration in the next tick. */
    work:
      (name: string, costMs: number, laterMs = 0) =>
      () => {
        done.push({ name, at: now });
        now += costMs;
        if (laterMs > 0) due.push(() => (now += laterMs));
        return true;
      },
    /** The start times of turns. */
    runAll: (): number[] => {
      const begun: number[] = [];
      for (let next = scheduled.shift(); next !== undefined; next = scheduled.shift()) {
        const waited = Math.max(0, next.at - now);
        now += waited;
        idle += waited * (1 - busy);
        begun.push(now);
        next.turn();
        for (let work = due.shift(); work !== undefined; work = due.shift()) work();
        assert.ok(scheduled.length <= 1, 'one turn waits at a time');
        assert.ok(begun.length < 2_000, 'the turns never end');
      }
      return begun;
    },
  };
}

/** The starts of slices: the first of consecutive pieces without a pause. */
function slices(done: readonly { at: number }[], costMs: number): number[] {
  return done.flatMap(({ at }, index) => (at - (done[index - 1]?.at ?? -Infinity) > costMs + 0.01 ? [at] : []));
}

test('work runs in slices of about a millisecond, and the loop is idle for twice as long between them', () => {
  const { turns, done, work, runAll } = openTurns();
  for (let at = 0; at < 9; at += 1) turns.run('one', 'begin', work(String(at), 0.4));
  assert.equal(done.length, 0, 'nothing runs before its turn');
  runAll();
  assert.deepEqual(
    done.map(({ name }) => name),
    ['0', '1', '2', '3', '4', '5', '6', '7', '8'],
  );
  const begun = slices(done, 0.4);
  assert.equal(begun.length, 3);
  for (const [at, start] of begun.entries()) {
    if (at > 0) assert.ok(start - (begun[at - 1] ?? 0) >= 3.6, `slice ${at}: 1.2 ms and 2.4 ms`);
  }
  turns.run('one', 'begin', work('late', 0.1));
  runAll();
  assert.equal(done.at(-1)?.name, 'late');
});

test('what a piece leaves for the next tick is a part of its slice', () => {
  const { turns, done, work, runAll } = openTurns();
  for (let at = 0; at < 4; at += 1) turns.run('one', 'begin', work(String(at), 0.1, 1.4));
  runAll();
  assert.equal(slices(done, 1.5).length, 4, 'one handshake a slice');
});

test('I15: while the loop is busy the pauses are longer, and a loop that is never idle runs a slice in 5 ms', () => {
  for (const [busy, least, most] of [
    [0.5, 3.9, 6],
    [1, 5, 7.5],
  ] as const) {
    const { turns, done, work, runAll } = openTurns({ busy });
    for (let at = 0; at < 50; at += 1) turns.run('one', 'begin', work(String(at), 1));
    runAll();
    for (const [at, start] of slices(done, 1).entries()) {
      if (at === 0) continue;
      const pause = start - (done[at - 1]?.at ?? 0) - 1;
      assert.ok(pause >= least && pause <= most, `${pause} ms when busy for ${busy}`);
    }
  }
});

test('I15: however much one address begins, another one waits for one piece of its work', () => {
  const { turns, done, work, runAll } = openTurns();
  for (let at = 0; at < 1_000; at += 1) turns.run('greedy', 'begin', work('greedy', 0.5));
  turns.run('honest', 'begin', work('honest', 0.5));
  runAll();
  assert.equal(
    done.findIndex(({ name }) => name === 'honest'),
    1,
  );
});

test('I15: slow work runs one piece in 40 ms, holds up no other, and a full lane takes none', () => {
  const { turns, done, work, runAll } = openTurns();
  let taken = 0;
  while (turns.runSlowly('hostile', work('slow', 0.5))) taken += 1;
  assert.ok(turns.isFull('hostile'));
  assert.equal(turns.isFull('another'), false);
  assert.equal(taken, 25);
  turns.run('honest', 'begin', work('honest', 0.5));
  runAll();
  assert.ok(done.findIndex(({ name }) => name === 'honest') <= 1);
  const slow = done.filter(({ name }) => name === 'slow');
  assert.equal(slow.length, 25);
  for (const [at, one] of slow.entries()) {
    if (at > 0) assert.ok(one.at - (slow[at - 1]?.at ?? 0) >= 40, 'at least 40 ms apart');
  }
  assert.equal(turns.isFull('hostile'), false);
});

test('slow work goes on beside work of others that never ends, on a loop that is never idle', () => {
  const { turns, done, work, runAll } = openTurns({ busy: 1 });
  for (let at = 0; at < 100; at += 1) turns.run('crowd', 'begin', work('crowd', 1.4));
  for (let at = 0; at < 10; at += 1) turns.runSlowly('hostile', work('slow', 1.4));
  runAll();
  const last = done.findLastIndex(({ name }) => name === 'slow');
  assert.ok(last < 80, `the last slow piece came at ${last}`);
  assert.equal(done.filter(({ name }) => name === 'slow').length, 10);
});

test('slow work that its client gave up takes no turn from others', () => {
  const { turns, done, work, runAll } = openTurns();
  for (let at = 0; at < 25; at += 1) turns.runSlowly('gone', () => false);
  turns.runSlowly('honest', work('honest', 0.5));
  const begun = runAll();
  assert.deepEqual(done, [{ name: 'honest', at: 0 }]);
  assert.ok(begun.length <= 2);
});
