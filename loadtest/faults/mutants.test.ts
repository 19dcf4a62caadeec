import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MUTANTS } from './mutants.ts';
import { SOURCES, patched } from './product.ts';
import { readFile, readdir } from 'node:fs/promises';

it('each deliberate bug still has its place in the source, and there alone', async () => {
  const outcomes = await Promise.allSettled(MUTANTS.map((mutant) => patched(mutant)));
  const faults = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
  assert.deepEqual(faults, []);
});

it('a copy of the product holds every room that its parts import', async () => {
  const root = new URL('../../', import.meta.url);
  const rooms = SOURCES.filter((source) => !source.endsWith('.json'));
  const missing = new Set<string>();
  for (const room of rooms) {
    for (const file of await readdir(new URL(`${room}/`, root), { recursive: true })) {
      if (
        !file.endsWith('.ts') ||
        file.endsWith('.test.ts') ||
        file.endsWith('.suite.ts') ||
        file.endsWith('.bench.ts') ||
        /(^|\/)testing\//.test(file)
      )
        continue;
      const text = await readFile(new URL(`${room}/${file}`, root), 'utf8');
      const depth = file.split('/').length;
      for (const [, ups = '', to = ''] of text.matchAll(/from '((?:\.\.\/)+)([a-z-]+)\//g))
        if (ups.length / 3 === depth && !SOURCES.includes(to)) missing.add(`${room}/${file}: ${to}`);
    }
  }
  assert.deepEqual([...missing], []);
});
