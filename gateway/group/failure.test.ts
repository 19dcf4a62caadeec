import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isExhausted, needsAnother } from './failure.ts';
import { Ledger, type Loaded } from './ledger.ts';

function delivered(attempts: number, excused = 0) {
  const meta = { name: 'DTMF', account: 'acme', callId: '', eventId: 'e', ingestedAt: '', traceparent: '' };
  const entry = { partition: 0, id: '1-0', eventId: 'e', metaLine: '', meta, data: Buffer.from('{}'), scope: 0 };
  return new Ledger<Loaded>().add({ ...entry, attempts, excused }, 'call', () => ({ load: 0 }));
}

const other = { maxDeliver: 3, other: 'here' } as const;
const only = { maxDeliver: 3, other: 'nowhere' } as const;

test('I14: an event that failed on one member alone is no dead letter while another one could have it', () => {
  const held = delivered(3);
  assert.equal(isExhausted(held, { member: 1, ...other }), false);
  assert.equal(isExhausted(held, { member: 1, ...other }), false);
  assert.equal(isExhausted(held, { member: 2, ...other }), true);
});

test('I14: on the only member the deliveries alone count', () => {
  assert.equal(isExhausted(delivered(2), { member: 1, ...only }), false);
  assert.equal(isExhausted(delivered(3), { member: 1, ...only }), true);
});

test('I14: while the other member is on another replica, an event that always fails is given up after twice as many', () => {
  const elsewhere = { maxDeliver: 3, other: 'elsewhere' } as const;
  assert.equal(isExhausted(delivered(5), { member: 1, ...elsewhere }), false);
  assert.equal(isExhausted(delivered(6), { member: 1, ...elsewhere }), true);
  const held = delivered(3);
  assert.equal(isExhausted(held, { member: 1, ...elsewhere }), false);
  assert.equal(isExhausted(held, { member: 2, ...elsewhere }), true);
});

test('I14: a delivery to a member that hung counts against no event', () => {
  assert.equal(isExhausted(delivered(5, 3), { member: 1, ...only }), false);
  assert.equal(isExhausted(delivered(6, 3), { member: 1, ...only }), true);
});

test('the last delivery goes to another member, unless two have failed already', () => {
  assert.equal(needsAnother(delivered(1), 3), false);
  const held = delivered(2);
  assert.equal(needsAnother(held, 3), true);
  isExhausted(held, { member: 1, ...other });
  assert.equal(needsAnother(held, 3), true);
  isExhausted(held, { member: 2, ...other });
  assert.equal(needsAnother(held, 3), false);
});
