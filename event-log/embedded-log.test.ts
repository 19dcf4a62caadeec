import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { compareIds } from '../protocol/position.ts';
import { createEmbeddedLog } from './embedded-log.ts';
import { accepted, ends, event, eventLogSuite } from './event-log.suite.ts';

const megabyte = 1024 * 1024;

eventLogSuite('embedded log', () =>
  Promise.resolve(createEmbeddedLog({ partitions: 4, maxBytes: 16 * megabyte, now: Date.now })),
);

describe('embedded log', () => {
  it('forgets the oldest entries when the bound is reached, and tells who was behind', async () => {
    let clock = 1_000;
    await using eventLog = createEmbeddedLog({ partitions: 4, maxBytes: 64 * 1024, now: () => (clock += 1) });
    await eventLog.append([event('call-0')]);
    const start = await ends(eventLog);
    await using reader = eventLog.reader();
    for (let n = 0; n < 200; n += 1) await eventLog.append([event(`call-${n % 7}`, `{"x":"${'y'.repeat(1000)}"}`)]);
    const state = await eventLog.state();
    let held = 0;
    for (let p = 0; p < 4; p += 1) held += (await eventLog.range(p, '0-0', 1000)).length;
    assert.ok(held > 40 && held < 64, `${held} entries held`);
    const outcome = await reader.read(start, { waitMs: 5, signal: AbortSignal.timeout(20_000) });
    assert.equal(outcome.kind, 'epoch_lost');
    assert.notEqual(outcome.kind === 'epoch_lost' && outcome.state.epoch, state.epoch);
  });

  it('gives increasing ids when the clock steps back', async () => {
    let clock = 5_000;
    await using eventLog = createEmbeddedLog({ partitions: 1, maxBytes: megabyte, now: () => clock });
    const [first] = await eventLog.append([event('call')]);
    clock = 1_000;
    const [second] = await eventLog.append([event('call')]);
    assert.ok(first?.outcome === 'accepted' && second?.outcome === 'accepted');
    assert.ok(compareIds(first.id, second.id) < 0);
  });

  it('takes an event id again after ten minutes', async () => {
    let clock = 0;
    await using eventLog = createEmbeddedLog({ partitions: 1, maxBytes: megabyte, now: () => clock });
    const same = () => eventLog.append([event('call', '{}', 'same')]);
    await same();
    clock = 599_999;
    assert.deepEqual(accepted(await same()), ['duplicate']);
    clock = 600_001;
    assert.deepEqual(accepted(await same()), ['accepted']);
  });
});
