import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { LEVELS, planTests, selectFiles } from './levels.ts';

const FILES = [
  'e/x.e2e.test.ts',
  'd/x.cluster.test.ts',
  'c/x.k6.test.ts',
  'b/x.redis.test.ts',
  'a/y.test.ts',
  'a/y.ts',
  'a/z.bench.ts',
  'c/z.suite.ts',
  'c/redis.test.ts',
  'f/page.browser.test.ts',
];

test('without arguments every test file but the end-to-end ones runs, each once and in order', () => {
  const plan = planTests([]);
  assert.ok(plan.kind === 'run');
  assert.deepEqual(plan, {
    kind: 'run',
    levels: ['pure', 'redis', 'rabbitmq', 'asterisk', 'database', 'nats', 'browser', 'k6', 'cluster', 'hostile'],
    filters: [],
    isWherePossible: false,
  });
  const files = ['a/y.test.ts', 'b/x.redis.test.ts', 'c/redis.test.ts', 'c/x.k6.test.ts', 'd/x.cluster.test.ts'];
  assert.deepEqual(selectFiles(FILES, ['pure', 'redis', 'k6', 'cluster'], []), files);
  assert.deepEqual(selectFiles(FILES, LEVELS, []), [...files, 'e/x.e2e.test.ts', 'f/page.browser.test.ts']);
});

test('the fast run leaves the load tests and the control plane out', () => {
  assert.deepEqual(planTests(['fast']), {
    kind: 'run',
    levels: ['pure', 'redis'],
    filters: [],
    isWherePossible: false,
  });
});

test('a level takes its own files alone, by their suffix', () => {
  assert.deepEqual(selectFiles(FILES, ['pure'], []), ['a/y.test.ts', 'c/redis.test.ts']);
  assert.deepEqual(selectFiles(FILES, ['redis'], []), ['b/x.redis.test.ts']);
  assert.deepEqual(selectFiles(FILES, ['k6'], []), ['c/x.k6.test.ts']);
  assert.deepEqual(selectFiles(FILES, ['cluster'], []), ['d/x.cluster.test.ts']);
  assert.deepEqual(selectFiles(FILES, ['browser'], []), ['f/page.browser.test.ts']);
  assert.deepEqual(selectFiles(FILES, ['e2e'], []), ['e/x.e2e.test.ts']);
});

test('what follows -- selects files by a part of their path', () => {
  const plan = planTests(['fast', '--', 'c/', 'x.']);
  assert.ok(plan.kind === 'run');
  assert.deepEqual(selectFiles(FILES, plan.levels, plan.filters), ['b/x.redis.test.ts', 'c/redis.test.ts']);
});

test('a level may be wanted where it is possible alone', () => {
  for (const args of [
    ['e2e', '--where-possible', '--', 'x'],
    ['--where-possible', 'e2e', '--', 'x'],
  ]) {
    assert.deepEqual(planTests(args), { kind: 'run', levels: ['e2e'], filters: ['x'], isWherePossible: true });
  }
});

test('an unknown level or a stray argument is answered with the usage', () => {
  for (const args of [['slow'], ['pure', 'redis'], ['--watch']]) {
    const plan = planTests(args);
    assert.ok(
      plan.kind === 'usage' &&
        plan.text.includes('[pure|redis|rabbitmq|asterisk|database|nats|browser|k6|cluster|hostile|e2e|fast|all]'),
      args.join(' '),
    );
  }
});

test('the table of CONTRIBUTING.md names each level, and no other', async () => {
  const text = await readFile(new URL('../CONTRIBUTING.md', import.meta.url), 'utf8');
  const named = [...text.matchAll(/^\| `x\.(?:(\w+)\.)?test\.ts` /gm)].map(([, level]) => level ?? 'pure');
  assert.deepEqual(named.toSorted(), [...LEVELS].toSorted());
});
