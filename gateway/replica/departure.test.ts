import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { Departure, waitsForOthers, type Companion } from './departure.ts';
import type { LiveReplica } from './presence.ts';

const OLD = { revision: 'old', leaving: false };
const OLD_LEAVING = { revision: 'old', leaving: true };
const NEW = { revision: 'new', leaving: false };

describe('a replica that is told to go', () => {
  test('waits while others are replaced with it that were not told yet', () => {
    assert.ok(waitsForOthers('old', [OLD, NEW]));
    assert.ok(!waitsForOthers('old', [OLD_LEAVING, NEW]));
    assert.ok(!waitsForOthers('old', [NEW, NEW]));
  });

  test('waits for nobody where no newer one is there, or nobody knows of revisions', () => {
    assert.ok(!waitsForOthers('old', []));
    assert.ok(!waitsForOthers('old', [OLD, OLD]));
    assert.ok(!waitsForOthers('old', [OLD, { ...NEW, leaving: true }]));
    assert.ok(!waitsForOthers('old', [OLD, { revision: '', leaving: false }]));
  });

  const replicasOf = (...companions: Companion[]): LiveReplica[] =>
    [OLD_LEAVING, ...companions].map((companion, index) => ({
      replica: `${index}`,
      heartbeat: { keys: [], connections: 0, groups: {}, ...companion },
    }));

  test('leaves once the last one of its roll-out is told', async () => {
    const departure = new Departure('old');
    departure.hear(replicasOf(OLD, NEW));
    assert.deepEqual(departure.says(), OLD);
    let isFree = false;
    const leaving = departure.together(new AbortController().signal).then(() => (isFree = true));
    assert.deepEqual(departure.says(), OLD_LEAVING);
    departure.hear(replicasOf(OLD, NEW));
    await turn();
    assert.ok(!isFree);
    departure.hear(replicasOf(OLD_LEAVING, NEW));
    await leaving;
  });

  test('leaves at once when it is told a second time, and after the limit in any case', async () => {
    const again = new AbortController();
    const departure = new Departure('old');
    departure.hear(replicasOf(OLD, NEW));
    const leaving = departure.together(again.signal);
    again.abort();
    await leaving;
    await departure.together(new AbortController().signal, 10);
    await new Departure(null).together(new AbortController().signal);
    assert.deepEqual(new Departure(null).says(), { revision: '', leaving: false });
  });
});
