import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeMeta } from '../../protocol/entry.ts';
import { sampledContext } from '../../runtime/telemetry/traceparent.ts';
import { Allowance } from './allowance.ts';
import { mayBeSampled, traceparentIn } from './sampled-meta.ts';

const lineOf = (traceparent: string) =>
  encodeMeta({ name: 'DTMF', account: 'a', callId: 'c', eventId: 'e', ingestedAt: '1700000000000000', traceparent });
const traceparent = (flags: string) => `00-${'a'.repeat(32)}-${'b'.repeat(16)}-${flags}`;

test('a meta line is known to be sampled by its end, without being parsed', () => {
  for (let flags = 0; flags < 256; flags += 1) {
    const hex = flags.toString(16).padStart(2, '0');
    const isSampled = (flags & 1) === 1;
    assert.equal(mayBeSampled(lineOf(traceparent(hex))), isSampled, hex);
    if (isSampled) assert.notEqual(sampledContext(traceparentIn(lineOf(traceparent(hex)))), null, hex);
  }
});

test('a line without a traceparent, or with anything else in its place, is not sampled', () => {
  for (const line of ['', '1', '1\tDTMF\ta', lineOf(''), lineOf('x'.repeat(55)), lineOf(`0${traceparent('01')}`)]) {
    assert.ok(!mayBeSampled(line) || sampledContext(traceparentIn(line)) === null, line);
  }
});

test('an allowance is used up within its second, and full again in the next', () => {
  const allowance = new Allowance(2);
  assert.deepEqual(
    [0, 1, 2, 999, 1_000, 1_001, 1_002].map((now) => allowance.take(now)),
    [true, true, false, false, true, true, false],
  );
});
