import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENTS_PATH } from '../../protocol/paths.ts';
import { isEventSource, planEvents } from './plan-events.ts';

const NOW = Date.parse('2026-11-30T12:00:00Z');

function plan(query: string, headers: Record<string, string> = {}) {
  return planEvents(
    { url: `${EVENTS_PATH}?token=t${query}`, headers: { accept: 'text/event-stream', ...headers } },
    NOW,
  );
}

function codeOf(query: string, headers: Record<string, string> = {}): string {
  const planned = plan(query, headers);
  return 'problem' in planned ? planned.problem.code : 'none';
}

test('the last event that a browser had wins over where its URL begins, and keeps what the URL says of gaps', () => {
  for (const query of ['', '&cursor=old', '&from=-15m']) {
    const planned = plan(query, { 'last-event-id': 'new' });
    assert.ok('plan' in planned);
    assert.deepEqual(planned.plan.replay.start, { kind: 'cursor', cursor: 'new' });
    assert.ok(planned.plan.isReturning);
    assert.equal(planned.plan.replay.onGap, query === '&from=-15m' ? 'clamp' : 'fail');
  }
  const first = plan('&cursor=old');
  assert.ok('plan' in first && !first.plan.isReturning);
  const empty = plan('', { 'last-event-id': '' });
  assert.ok('plan' in empty && empty.plan.replay.start.kind === 'live');
});

test('what is asked for must be known, once, and fit together', () => {
  const faults: [string, Record<string, string>, string][] = [
    ['&group=crm', {}, 'unknown_parameter'],
    ['&v=1', {}, 'unknown_parameter'],
    ['&cursor=a&cursor=b', {}, 'repeated_parameter'],
    ['&meta=2', {}, 'invalid_meta'],
    ['&format=xml', {}, 'invalid_format'],
    ['&format=cloudevents&meta=1', {}, 'invalid_format'],
    ['&snapshot=all', {}, 'invalid_snapshot'],
    ['&snapshot=calls&from=-1m', {}, 'snapshot_and_replay'],
    ['', { accept: 'application/json' }, 'not_acceptable'],
    ['', { accept: 'text/event-stream;q=0, application/json' }, 'not_acceptable'],
    ['', { authorization: 'Bearer other' }, 'two_tokens'],
  ];
  for (const [query, headers, code] of faults) assert.equal(codeOf(query, headers), code, `${query} ${code}`);
  for (const accept of ['*/*', 'text/*', 'application/json, text/event-stream;q=0.5']) {
    assert.equal(codeOf('&meta=1&snapshot=calls', { accept }), 'none', accept);
  }
});

test('only what a browser alone sends is taken for an EventSource', () => {
  const is = (headers: Record<string, string>) => isEventSource({ url: EVENTS_PATH, headers });
  assert.ok(is({ accept: 'text/event-stream', 'sec-fetch-mode': 'cors' }));
  for (const headers of [
    { accept: 'text/event-stream' },
    { accept: '*/*', 'sec-fetch-mode': 'cors' },
    { accept: 'text/event-stream', 'sec-fetch-mode': 'navigate' },
  ]) {
    assert.ok(!is(headers));
  }
});
