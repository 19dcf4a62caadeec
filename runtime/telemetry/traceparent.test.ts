import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampledContext, traceparentOf } from './traceparent.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';

test('a sampled traceparent is read and written again', () => {
  const context = sampledContext(`00-${TRACE}-${SPAN}-01`);
  assert.equal(context?.traceId, TRACE);
  assert.equal(context && traceparentOf(context), `00-${TRACE}-${SPAN}-01`);
  assert.notEqual(sampledContext(`00-${TRACE}-${SPAN}-03`), null);
});

test('what is not sampled, or not well-formed, is no context', () => {
  const bad = [
    undefined,
    '',
    `00-${TRACE}-${SPAN}-00`,
    `00-${TRACE}-${SPAN}-02`,
    `01-${TRACE}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-x`,
  ];
  for (const text of bad) assert.equal(sampledContext(text), null, text);
  assert.equal(traceparentOf({ traceId: TRACE, spanId: SPAN, traceFlags: 0 }), '');
});
