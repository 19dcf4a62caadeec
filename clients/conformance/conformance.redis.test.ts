import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readFile } from 'node:fs/promises';
import type { AdapterProgram } from './adapter.ts';
import { CASES } from './cases/all.ts';
import { judge } from './judge.ts';
import { broken, pythonProgram, TYPESCRIPT } from './programs.ts';

const LIMIT = { timeout: 600_000 };
const BESIDE = 6;
/** How long the judge waits for an action that a broken client never takes. */
const BROKEN_MS = 45_000;

async function failures(program: AdapterProgram, wanted: readonly string[] | null = null): Promise<readonly string[]> {
  const cases = CASES.filter(({ name }) => wanted === null || wanted.includes(name));
  const limits = wanted === null ? {} : { limitMs: BROKEN_MS };
  const verdicts = await judge({ program, cases, beside: BESIDE, report: () => undefined, ...limits });
  return verdicts.flatMap(({ name, outcome, why }) => (outcome === 'passed' ? [] : [`${name}: ${why}`]));
}

test('K1: the TypeScript client passes every case', LIMIT, async () => {
  assert.deepEqual(await failures(TYPESCRIPT), []);
});

test('K1: the Python client passes every case', LIMIT, async () => {
  const python = await pythonProgram();
  assert.deepEqual(await failures(python), []);
});

/** For each deliberate fault: a case that fails with it, and one that it does not affect. */
const SHOWN: Readonly<Record<string, readonly [string, string]>> = {
  loses: ['connect/events', 'connect/forbidden'],
  doubles: ['connect/replay-ends', 'connect/forbidden'],
  'swallows-gaps': ['gap/item', 'connect/events'],
  'shows-secrets': ['connect/forbidden', 'connect/events'],
  'forgets-cursors': ['resume/kept', 'connect/events'],
  'never-acknowledges': ['group/ack', 'connect/events'],
  'never-stops': ['connect/stop', 'connect/events'],
  'misses-ends': ['calls/follows', 'connect/events'],
};

describe('the judge', () => {
  for (const [fault, cases] of Object.entries(SHOWN)) {
    test(`a client that ${fault.replace('-', ' ')} fails ${cases[0]} and no other`, LIMIT, async () => {
      const failed = await failures(broken(fault), cases);
      assert.deepEqual(
        failed.map((one) => one.split(':')[0]),
        [cases[0]],
      );
    });
  }
});

test('every rule of SPEC.md has a case', async () => {
  const spec = await readFile(new URL('../SPEC.md', import.meta.url), 'utf8');
  const rules = [...spec.matchAll(/^\| (L\d+)/gm)].map(([, rule]) => rule);
  assert.ok(rules.length >= 15);
  const shown = new Set(CASES.flatMap((one) => one.rules));
  assert.deepEqual(
    rules.filter((rule) => rule !== undefined && !shown.has(rule)),
    [],
  );
  assert.equal(new Set(CASES.map(({ name }) => name)).size, CASES.length);
});
