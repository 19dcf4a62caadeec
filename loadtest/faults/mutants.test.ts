import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MUTANTS } from './mutants.ts';
import { patched } from './product.ts';

it('each deliberate bug still has its place in the source, and there alone', async () => {
  const outcomes = await Promise.allSettled(MUTANTS.map((mutant) => patched(mutant)));
  const faults = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [String(outcome.reason)] : []));
  assert.deepEqual(faults, []);
});
