import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call, EventItem } from '../../clients/typescript/src/index.ts';
import { boardLines } from './board.ts';
import { eventRow } from './event-row.ts';
import { createPaint, hasColours } from './paint.ts';

const NOW = Date.parse('2026-11-30T10:00:00Z');
const PLAIN = createPaint(false);
const call = (id: string, more: object = {}) =>
  ({
    call_id: id,
    account_id: 'north',
    state: 'answered',
    state_since: '2026-11-30T08:58:55Z',
    created_at: id,
    ...more,
  }) as Call;

test('the board says how many calls are in which state, and shows as many as fit, the oldest first', () => {
  const calls = ['c', 'a', 'd', 'b', 'e'].map((id) => call(id, id === 'd' ? { state: 'held' } : {}));
  const lines = boardLines({ calls, isCurrent: true, now: NOW, rows: 6 }, PLAIN);
  assert.equal(lines[0], '5 live calls  4 answered  1 held');
  assert.deepEqual(
    lines.slice(2).map((line) => line.trim().split(/\s+/).at(-1)),
    ['a', 'b', 'more'],
  );
  assert.match(lines[2] ?? '', /^answered {3}1:01:05 +north/);
  assert.equal(boardLines({ calls, isCurrent: true, now: NOW, rows: null }, PLAIN).length, 7);
  assert.match(boardLines({ calls, isCurrent: false, now: NOW, rows: null }, PLAIN)[0] ?? '', /events were lost/);
});

test('text of a switch cannot move the cursor or colour the terminal', () => {
  const evil = 'x\x1b[2J\n\u202e';
  assert.doesNotMatch(
    boardLines({ calls: [call(evil)], isCurrent: true, now: NOW, rows: null }, PLAIN).join('|'),
    /\p{Cc}|\p{Cf}/u,
  );
  const event = { 'Event-Name': evil, 'Call-ID': evil, 'Hangup-Cause': evil, 'Caller-ID-Number': evil };
  const item = { event, account: evil, ingestedAt: null } as Pick<EventItem, 'event' | 'account' | 'ingestedAt'>;
  assert.doesNotMatch(eventRow(item, PLAIN), /\p{Cc}|\p{Cf}/u);
});

test('colours are for terminals that have some, unless NO_COLOR says otherwise', () => {
  assert.ok(hasColours(true, {}) && hasColours(true, { NO_COLOR: '' }));
  assert.ok(!hasColours(false, {}) && !hasColours(true, { NO_COLOR: '1' }) && !hasColours(true, { TERM: 'dumb' }));
  assert.equal(createPaint(true)('bad', 'x'), '\x1b[31mx\x1b[0m');
});
