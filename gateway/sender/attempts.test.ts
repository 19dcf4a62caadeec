import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Attempts } from './attempts.ts';

const attempt = (at: number) =>
  ({
    at,
    eventId: 'e',
    events: 1,
    attempt: 1,
    status: 200,
    code: null,
    ms: 1,
    answer: '',
    verdict: 'acknowledged',
    replay: false,
  }) as const;

test('the last hundred attempts are kept, the newest first', () => {
  const attempts = new Attempts();
  assert.deepEqual(attempts.last, []);
  for (let at = 0; at < 250; at += 1) attempts.add(attempt(at));
  assert.deepEqual(
    attempts.last.map(({ at }) => at),
    Array.from({ length: 100 }, (_, back) => 249 - back),
  );
});
