import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CLOSE, closeReason, FIRST_FINAL_CODE } from './close-code.ts';

test('close codes are ones that a server may send (RFC 6455 7.4), each used once', () => {
  const codes: number[] = Object.values(CLOSE);
  assert.equal(new Set(codes).size, codes.length);
  const registered = [1000, 1001, 1012];
  for (const code of codes) assert.ok(registered.includes(code) || (code >= 4000 && code < 5000), String(code));
});

test('only what a client cannot fix by reconnecting tells it to stay away', () => {
  const final = Object.entries(CLOSE).filter(([, code]) => code >= FIRST_FINAL_CODE);
  assert.deepEqual(
    final.map(([name]) => name),
    ['notAFrame', 'tokenRefused', 'revoked'],
  );
});

test('a reason is JSON with the cursor to go on from', () => {
  assert.deepEqual(JSON.parse(closeReason('cursor_too_old', { c: 'AQRhYmNk' })), {
    e: 'cursor_too_old',
    c: 'AQRhYmNk',
  });
  assert.deepEqual(JSON.parse(closeReason('shutdown')), { e: 'shutdown' });
});

test('a reason never exceeds what a close frame holds: the cursor goes first', () => {
  for (const length of [60, 90, 100, 123, 500]) {
    const reason = closeReason('rolling_restart', { c: 'A'.repeat(length) });
    assert.ok(Buffer.byteLength(reason) <= 123, String(length));
    assert.equal((JSON.parse(reason) as { e: string }).e, 'rolling_restart');
  }
  assert.deepEqual(JSON.parse(closeReason('epoch_lost', { c: 'A'.repeat(200) })), { e: 'epoch_lost' });
});
