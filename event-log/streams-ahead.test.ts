import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aheadRemedy, aheadText, streamsAhead } from './streams-ahead.ts';

const NOW = 1_763_979_370_000;

test('a stream is ahead when its last id lies further in the future than clocks differ', () => {
  assert.deepEqual(streamsAhead(['0-0', `${NOW}-5`, `${NOW + 59_999}-0`], NOW), []);
  const [ahead, exhausted] = streamsAhead(
    [`${NOW + 3_600_000}-1`, '0-0', '18446744073709551615-18446744073709551615'],
    NOW,
  );
  assert.deepEqual([ahead?.partition, ahead?.aheadMs, ahead?.isExhausted], [0, 3_600_000, false]);
  assert.ok(ahead !== undefined && exhausted !== undefined);
  assert.match(aheadText(ahead), /^the last id of partition 0 lies 3600 s in the future/);
  assert.match(aheadRemedy(ahead, 'k'), /XADD k \*/);
  assert.deepEqual([exhausted.partition, exhausted.isExhausted], [2, true]);
  assert.match(aheadText(exhausted), /^partition 2 takes no event/);
  assert.match(aheadRemedy(exhausted, 'k'), /XDEL k 18446744073709551615-18446744073709551615, then XSETID k/);
});

test('an id whose sequence alone is the greatest is not the last one: its millisecond goes by', () => {
  assert.deepEqual(streamsAhead([`${NOW}-18446744073709551615`], NOW), []);
});
