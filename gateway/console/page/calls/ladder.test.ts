import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ladderOf } from './ladder.ts';
import { mermaidOf } from './mermaid.ts';
import { drawingOf } from './shapes.ts';
import { svgText } from './svg-text.ts';

const at = (second: number) => `2026-01-31T09:30:${String(second).padStart(2, '0')}.000000Z`;
const step = (id: string, second: number, name: string, fields: object = {}) => ({
  'Event-Name': name,
  'Call-ID': 'a',
  'Call-Direction': 'inbound',
  'Caller-ID-Number': '1001',
  'Callee-ID-Number': '1002',
  ...fields,
  _firehose: { id, ingested_at: at(second) },
});
const B = { 'Call-ID': 'b', 'Call-Direction': 'outbound' };
const CALL = [
  step('1', 0, 'CHANNEL_CREATE'),
  step('2', 1, 'CHANNEL_CREATE', B),
  step('3', 6, 'CHANNEL_ANSWER', B),
  step('4', 7, 'CHANNEL_ANSWER'),
  step('5', 8, 'CHANNEL_BRIDGE', { 'Other-Leg-Call-ID': 'b' }),
  step('6', 20, 'CHANNEL_HOLD'),
  step('7', 30, 'CHANNEL_UNHOLD'),
  step('8', 40, 'CHANNEL_DESTROY', { 'Hangup-Cause': 'NORMAL_CLEARING' }),
];

test('a call is the same ladder in whatever order its events come, and however often', () => {
  const ladder = ladderOf(CALL);
  assert.deepEqual(ladderOf([...CALL.toReversed(), ...CALL]).steps, ladder.steps);
  assert.deepEqual(
    ladder.steps.map(({ lane, direction, sinceMs }) => [lane, direction, sinceMs]),
    [
      [1, 'to_switch', null],
      [2, 'to_leg', 1_000],
      [2, 'to_switch', 5_000],
      [1, 'to_leg', 1_000],
      [1, 'to_leg', 1_000],
      [1, 'to_switch', 12_000],
      [1, 'to_switch', 10_000],
      [1, 'to_switch', 10_000],
    ],
  );
  assert.equal(ladder.steps[4]?.otherLane, 2);
});

test('a leg has its phases, the last of which lasts while the leg lives', () => {
  const [caller, callee] = ladderOf(CALL).legs;
  const phases = (leg: typeof caller) =>
    leg?.phases.map(({ state, from, to }) => [state, to === null ? null : (to - from) / 1_000]);
  assert.deepEqual(phases(caller), [
    ['ringing', 7],
    ['answered', 13],
    ['held', 10],
    ['answered', 10],
  ]);
  assert.deepEqual(phases(callee), [
    ['ringing', 5],
    ['answered', null],
  ]);
  assert.deepEqual([caller?.party, callee?.party], ['1001', '1002']);
});

test('C2: the files of a call hold no markup of its events', () => {
  const hostile = step('9', 1, 'CHANNEL_CREATE', { 'Caller-ID-Number': '<script>&"\u0000;\n end' });
  const svg = svgText(drawingOf(ladderOf([hostile])));
  assert.ok(svg.includes('&lt;script&gt;&amp;&quot;'));
  assert.equal(svg.includes('<script') || svg.includes('\u0000'), false);
  const mermaid = mermaidOf(ladderOf([hostile]))
    .trim()
    .split('\n');
  assert.equal(mermaid.length, 4);
  assert.doesNotMatch(mermaid.join(''), /<|script>|[;"]|\p{Cc}/u);
});
