import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planTests, selectFiles } from './levels.ts';

const FILES = ['b/x.redis.test.ts', 'a/y.test.ts', 'a/y.ts', 'a/z.bench.ts', 'c/z.suite.ts', 'c/redis.test.ts'];

test('without arguments every test file runs, each once and in order', () => {
  assert.deepEqual(planTests([]), { kind: 'run', levels: ['pure', 'redis'], filters: [] });
  assert.deepEqual(selectFiles(FILES, ['pure', 'redis'], []), ['a/y.test.ts', 'b/x.redis.test.ts', 'c/redis.test.ts']);
});

test('a level takes its own files alone, by their suffix', () => {
  assert.deepEqual(selectFiles(FILES, ['pure'], []), ['a/y.test.ts', 'c/redis.test.ts']);
  assert.deepEqual(selectFiles(FILES, ['redis'], []), ['b/x.redis.test.ts']);
});

test('what follows -- selects files by a part of their path', () => {
  const plan = planTests(['all', '--', 'c/', 'x.']);
  assert.ok(plan.kind === 'run');
  assert.deepEqual(selectFiles(FILES, plan.levels, plan.filters), ['b/x.redis.test.ts', 'c/redis.test.ts']);
});

test('an unknown level or a stray argument is answered with the usage', () => {
  for (const args of [['fast'], ['pure', 'redis'], ['--watch']]) {
    const plan = planTests(args);
    assert.ok(plan.kind === 'usage' && plan.text.includes('[pure|redis|all]'), args.join(' '));
  }
});
