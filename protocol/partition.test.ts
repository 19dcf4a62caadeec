import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { crc32, partitionOf } from './partition.ts';

test('the checksum is CRC-32 as every language has it', () => {
  assert.equal(crc32(''), 0);
  assert.equal(crc32('123456789'), 0xcbf43926);
  assert.equal(crc32('The quick brown fox jumps over the lazy dog'), 0x414fa339);
});

test('events of one call share a partition, whatever their account', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 1 }),
      fc.string(),
      fc.string(),
      fc.integer({ min: 1, max: 64 }),
      (callId, a, b, n) => {
        const partition = partitionOf({ callId, account: a }, n);
        assert.equal(partitionOf({ callId, account: b }, n), partition);
        assert.ok(Number.isInteger(partition) && partition >= 0 && partition < n);
      },
    ),
  );
});

test('events without a call stay together by account', () => {
  assert.equal(partitionOf({ callId: '', account: 'acme' }, 64), crc32('acme') % 64);
});

test('calls spread over all partitions', () => {
  const counts = [0, 0, 0, 0];
  for (let call = 0; call < 4_000; call += 1) {
    const partition = partitionOf({ callId: `call-${call}@example.com`, account: '' }, 4);
    counts[partition] = (counts[partition] ?? 0) + 1;
  }
  for (const count of counts) assert.ok(count > 800 && count < 1_200, counts.join());
});
