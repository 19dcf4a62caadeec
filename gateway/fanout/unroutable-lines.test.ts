import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { entryOf } from '../testing/entries.ts';
import { unroutableLines } from './unroutable-lines.ts';

test('entries that reach nobody get a line of each kind in ten seconds, which counts those that got none', () => {
  const { lines, logger } = recordedLogger();
  let now = 0;
  const told = unroutableLines(logger, () => now);
  for (; now < 20_000; now += 100) {
    told.unknownAccount('new', 2);
    told.poison(entryOf({ sequence: 1, account: 'a' }), 'not_an_object');
  }
  const said = lines.map((line) => JSON.parse(line) as { msg: string; entries: number; account?: string });
  const unknown = said.filter(({ msg }) => msg.includes('not in the directory'));
  assert.deepEqual(
    unknown.map(({ entries, account }) => [entries, account]),
    [
      [2, 'new'],
      [200, 'new'],
    ],
  );
  assert.equal(said.length, 4);
});
