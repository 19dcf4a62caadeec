import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetFor, fleetTable } from './fleet.ts';

const COSTS = { connectionBytes: 40 * 1_024, eventUs: 5, deliveryUs: 10 };
const demand = (eventsPerSecond: number, deliveriesPerSecond: number) =>
  fleetFor(COSTS, { connections: 1_000_000, eventsPerSecond, deliveriesPerSecond });

test('seldom events: a replica takes as many connections as it may', () => {
  const fleet = demand(1_000, 0.1);
  assert.deepEqual([fleet?.replicas, fleet?.connectionsEach, fleet?.limit], [100, 10_000, 'connections']);
  assert.equal(fleet?.coreShare.toFixed(3), '0.015');
  assert.equal(fleet?.memoryGiB.toFixed(1), '53.8');
});

test('many events: CPU decides, what every replica reads for itself included', () => {
  const fleet = demand(20_000, 10);
  // 0.6 of a core, less 0.1 for reading, at 100 us a second for each connection.
  assert.deepEqual([fleet?.connectionsEach, fleet?.replicas, fleet?.limit], [5_000, 200, 'CPU']);
});

test('more events than one core reads: no number of such replicas helps', () => {
  assert.equal(demand(200_000, 0.1), null);
  assert.match(fleetTable({ ...COSTS, eventUs: 100 }), /10,000 +0\.01 +none +- +- +- +reading/);
});
