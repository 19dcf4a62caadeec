import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inBatches } from './in-batches.ts';

function recorded(most: number) {
  const batches: number[][] = [];
  const answers: ((answer: number[] | Error) => void)[] = [];
  const ask = inBatches(most, (items: readonly number[]) => {
    batches.push([...items]);
    return new Promise<number[]>((resolve, reject) => {
      answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  });
  return { ask, batches, answer: (answer: number[] | Error) => answers.shift()?.(answer) };
}

test('the first item goes at once, and what is asked meanwhile goes together, in order', async () => {
  const { ask, batches, answer } = recorded(2);
  const asked = [1, 2, 3, 4].map((item) => ask(item));
  assert.deepEqual(batches, [[1]]);
  answer([10]);
  assert.equal(await asked[0], 10);
  await nextTurn();
  assert.deepEqual(batches, [[1], [2, 3]]);
  answer([20, 30]);
  assert.deepEqual(await Promise.all(asked.slice(1, 3)), [20, 30]);
  await nextTurn();
  answer([40]);
  assert.equal(await asked[3], 40);
});

test('a batch that fails fails its own items alone', async () => {
  const { ask, answer } = recorded(8);
  const failed = assert.rejects(ask(1), /away/);
  const next = ask(2);
  answer(new Error('away'));
  await failed;
  await nextTurn();
  answer([20]);
  assert.equal(await next, 20);
});
