import assert from 'node:assert/strict';
import type { MappedEvent } from '../mapper.ts';
import { byLeg } from './recordings.ts';

function count(events: readonly MappedEvent[], name: string): number {
  return events.filter((event) => event.name === name).length;
}

/** S3: each leg has one CREATE first and one DESTROY last; `open` legs have no end yet. */
export function assertWholeLegs(events: readonly MappedEvent[], open: readonly string[], where: string): void {
  for (const [callId, leg] of byLeg(events)) {
    const names = leg.map(({ name }) => name);
    assert.equal(names[0], 'CHANNEL_CREATE', `${where}: ${callId} begins with its CREATE`);
    assert.equal(count(leg, 'CHANNEL_CREATE'), 1, `${where}: ${callId} has one CREATE`);
    const ends = open.includes(callId) ? 0 : 1;
    assert.equal(count(leg, 'CHANNEL_DESTROY'), ends, `${where}: DESTROY of ${callId}, of ${names.join(' ')}`);
    if (ends === 1) assert.equal(names.at(-1), 'CHANNEL_DESTROY', `${where}: ${callId} ends with its DESTROY`);
  }
}

/** S3: a leg has at most one ANSWER, and HOLD and UNHOLD alternate. */
export function assertAlternation(events: readonly MappedEvent[], where: string): void {
  for (const [callId, leg] of byLeg(events)) {
    assert.ok(count(leg, 'CHANNEL_ANSWER') <= 1, `${where}: ${callId} is answered once`);
    const holds = leg.filter((event) => /^CHANNEL_(UN)?HOLD$/.test(event.name)).map((event) => event.name);
    assert.ok(
      holds.every((hold, index) => (hold === 'CHANNEL_HOLD') === (index % 2 === 0)),
      `${where}: ${callId} ${holds.join(' ')}`,
    );
  }
}

/** S3: each BRIDGE has its UNBRIDGE. */
export function assertBridgesEnd(events: readonly MappedEvent[], where: string): void {
  assert.equal(count(events, 'CHANNEL_BRIDGE'), count(events, 'CHANNEL_UNBRIDGE'), `${where}: bridges end`);
}
