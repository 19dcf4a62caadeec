import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../sender/verdict.ts';
import { inWords, judgeAnswer, type Outcome } from './judge-answer.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const answer = (status: number, more: Partial<Extract<Outcome, { kind: 'answer' }>> = {}): Outcome => ({
  kind: 'answer',
  status,
  retryAfter: null,
  directive: null,
  text: '',
  ...more,
});
const ENDPOINT: Verdict = { kind: 'endpoint', retryAfterMs: null };
const EVENT: Verdict = { kind: 'event' };

/** An outcome, and the verdict while other events succeed and while none does. */
const TABLE: readonly (readonly [Outcome, whenOthersSucceed: Verdict, whenNoneDoes: Verdict])[] = [
  ...[200, 201, 202, 204, 299].map((status) => both(answer(status), { kind: 'acknowledged' })),
  ...[408, 429, 502, 503, 504].map((status) => both(answer(status), ENDPOINT)),
  ...['TIMEOUT', 'ECONNREFUSED', 'ENOTFOUND', 'ADDRESS_REFUSED', 'CERT_HAS_EXPIRED'].map((code) =>
    both({ kind: 'failure', code }, ENDPOINT),
  ),
  ...[400, 402, 406, 409, 411, 413, 415, 418, 422, 451].map((status) => both(answer(status), EVENT)),
  ...[300, 301, 302, 304, 307, 308, 401, 403, 404, 405, 407, 500, 501, 505, 511, 599].map(
    (status): (typeof TABLE)[number] => [answer(status), EVENT, ENDPOINT],
  ),
  both(answer(410), { kind: 'disable', reason: 'gone', isTaken: false }),
  both(answer(204, { directive: 'disable' }), { kind: 'disable', reason: 'asked', isTaken: true }),
  both(answer(500, { directive: 'disable' }), { kind: 'disable', reason: 'asked', isTaken: false }),
  both(answer(200, { directive: 'abort-message' }), { kind: 'acknowledged' }),
  both(answer(503, { directive: 'abort-message' }), { kind: 'dead_letter' }),
  both(answer(400, { directive: 'something' }), EVENT),
];

function both(outcome: Outcome, verdict: Verdict): (typeof TABLE)[number] {
  return [outcome, verdict, verdict];
}

test('whose fault an outcome is', () => {
  for (const [outcome, whenOthersSucceed, whenNoneDoes] of TABLE) {
    const what = JSON.stringify(outcome);
    assert.deepEqual(judgeAnswer(outcome, { othersSucceed: true, now: NOW }), whenOthersSucceed, what);
    assert.deepEqual(judgeAnswer(outcome, { othersSucceed: false, now: NOW }), whenNoneDoes, what);
  }
});

test('Retry-After is seconds or a date, an hour at most; anything else is as if it were not there', () => {
  const cases: readonly (readonly [string, number | null])[] = [
    ['0', 0],
    ['120', 120_000],
    ['999999', 3_600_000],
    ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
    ['Wed, 31 Dec 2025 00:00:00 GMT', 0],
    ['soon', null],
    ['-5', null],
    ['1.5', null],
  ];
  for (const [retryAfter, retryAfterMs] of cases)
    assert.deepEqual(
      judgeAnswer(answer(503, { retryAfter }), { othersSucceed: true, now: NOW }),
      { kind: 'endpoint', retryAfterMs },
      retryAfter,
    );
});

test('an outcome in words is its status and the beginning of its body, or why there is none', () => {
  assert.equal(inWords(answer(500, { text: 'no such customer' })), 'HTTP 500: no such customer');
  assert.equal(inWords(answer(404)), 'HTTP 404');
  assert.equal(inWords({ kind: 'failure', code: 'TIMEOUT' }), 'no answer: TIMEOUT');
});
