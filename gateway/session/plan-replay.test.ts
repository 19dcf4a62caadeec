import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planReplay } from './plan-replay.ts';

const NOW = Date.UTC(2026, 2, 15, 12);

function plan(query: string, contract: 'plain' | 'control' = 'control') {
  const planned = planReplay(new URLSearchParams(query), NOW, contract === 'control');
  return 'problem' in planned ? planned.problem.code : planned.replay;
}

function timeOf(from: string): number | null {
  const planned = plan(`from=${from}`);
  return typeof planned === 'object' && planned.start.kind === 'time' ? planned.start.at : null;
}

test('a time is RFC 3339 with any offset, or how long ago', () => {
  assert.equal(timeOf('-15m'), NOW - 900_000);
  assert.equal(timeOf('-1h0m30s'), NOW - 3_630_000);
  assert.equal(timeOf('2026-03-15T11:00:00Z'), NOW - 3_600_000);
  assert.equal(timeOf('2026-03-15t11:00:00.5z'), NOW - 3_599_500);
  // A plus sign that was not escaped arrives as a blank.
  for (const plus of ['%2B', '+']) assert.equal(timeOf(`2026-03-15T13:00:00${plus}02:00`), NOW - 3_600_000);
  assert.equal(timeOf('2026-03-15T09:00:00-02:00'), NOW - 3_600_000);
});

test('what is no time is refused, also a day that no month has', () => {
  for (const wrong of ['', '-', '-1d', '-30s1m', '15m', '2026-03-15', '2026-02-30T00:00:00Z', '2026-03-14T24:00:00Z'])
    assert.equal(plan(`from=${wrong}`), 'invalid_from', wrong);
});

test('a cursor and a time contradict each other, also when one of them is empty', () => {
  for (const query of ['cursor=c&from=-1m', 'cursor=c&from=', 'cursor=&from=-1m'])
    assert.equal(plan(query), 'cursor_and_from');
});

test('I4: a loss is an end unless it can be told in band or the client asked to go on', () => {
  const onGap = (query: string, contract: 'plain' | 'control') => {
    const planned = plan(query, contract);
    return typeof planned === 'object' ? planned.onGap : planned;
  };
  const cases = [
    ['', 'fail', 'fail'],
    ['cursor=c', 'fail', 'fail'],
    ['from=-1h', 'fail', 'clamp'],
    ['from=-1h&to=-1m', 'fail', 'clamp'],
    ['from=-1h&on_gap=clamp', 'clamp', 'clamp'],
    ['from=-1h&on_gap=fail', 'fail', 'fail'],
  ] as const;
  for (const [query, plain, control] of cases)
    assert.deepEqual([onGap(query, 'plain'), onGap(query, 'control')], [plain, control], query);
});
