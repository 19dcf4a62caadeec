import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SubscriptionStatus } from '../../protocol/subscription/status.ts';
import { settleStatus } from './settle-status.ts';

const status = (connections: number, lag: number, more: Partial<SubscriptionStatus> = {}): SubscriptionStatus => ({
  observedGeneration: 1,
  gateway: { replicas: 2, readyReplicas: 2, summary: '2/2', connections, image: 'x', selector: 'y' },
  lag,
  ...more,
});
const later = { sinceWrittenMs: 31_000 };
const soon = { sinceWrittenMs: 1_000 };

test('the same is not written again', () => {
  assert.equal(settleStatus(status(100, 5), status(100, 5), later), null);
});

test('a change of state is written at once, with the numbers of the moment', () => {
  const now = status(101, 5, { observedGeneration: 2 });
  assert.equal(settleStatus(status(100, 5), now, soon), now);
});

test('numbers are written when they changed by a tenth, or to or from zero, and not more often than every 30 s', () => {
  assert.equal(settleStatus(status(100, 5), status(109, 5), later), null);
  assert.ok(settleStatus(status(100, 5), status(112, 5), later));
  assert.equal(settleStatus(status(100, 5), status(112, 5), soon), null);
  assert.ok(settleStatus(status(100, 0), status(100, 1), later));
  assert.ok(settleStatus(status(100, 1), status(100, 0), later));
});

test('a time that passes is no news', () => {
  const at = (oldestEntryTime: string) =>
    status(1, 1, { stream: { partitions: 4, length: 10, bytes: 5, oldestEntryTime } });
  assert.equal(settleStatus(at('2026-01-01T00:00:00Z'), at('2026-01-01T00:10:00Z'), later), null);
});
