import assert from 'node:assert/strict';
import { test } from 'node:test';
import { greediest } from './unread-budget.ts';

const unread = (account: string, ...bytes: number[]) => bytes.map((size) => ({ account, bytes: size }));

test('while everything fits nobody is ended', () => {
  assert.deepEqual(greediest(unread('a', 40, 60, 0), 100), []);
  assert.deepEqual(greediest([], 0), []);
});

test('the account that holds most gives its largest first, a neighbour with one large connection keeps it', () => {
  const connections = [...unread('honest', 50), ...unread('greedy', 30, 40, 30, 0), ...unread('idle', 0)];
  const ended = greediest(connections, 100);
  assert.deepEqual(ended, unread('greedy', 40, 30));
  assert.deepEqual(greediest(connections, 140), unread('greedy', 40));
});

test('many small ones of one account count together', () => {
  const ended = greediest([...unread('honest', 90), ...unread('greedy', ...Array<number>(50).fill(10))], 200);
  assert.deepEqual(new Set(ended.map(({ account }) => account)), new Set(['greedy']));
  assert.equal(ended.length, 39);
});
