import assert from 'node:assert/strict';
import { it } from 'node:test';
import { longestRetention } from './retention.ts';

it('keeps what the most demanding resource wants, each limit by itself', () => {
  const fields = {
    epoch: 'abc',
    'retention:a/one': '{"maxLength":100,"maxAgeMs":5000}',
    'retention:b/two': '{"maxLength":10,"maxAgeMs":9000}',
  };
  assert.deepEqual(longestRetention(fields), { retention: { maxLength: 100, maxAgeMs: 9000 }, unreadable: 0 });
});

it('trims nothing when nobody registered a wish', () => {
  assert.deepEqual(longestRetention({ epoch: 'abc', partitions: '4' }), { retention: null, unreadable: 0 });
});

it('passes over a wish that cannot be read, and says so', () => {
  const fields = { 'retention:a/one': '{"maxLength":-1,"maxAgeMs":5}', 'retention:a/two': 'no json' };
  assert.deepEqual(longestRetention(fields), { retention: null, unreadable: 2 });
});
