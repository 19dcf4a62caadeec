import assert from 'node:assert/strict';
import { SOURCE_GAP, decodeSourceGap, type SourceGap } from '../../../protocol/source-gap.ts';
import type { Stored } from './replicas.ts';

/** The switches' events in the log, and its gaps. */
export function split(entries: readonly Stored[]): {
  readonly events: readonly Stored[];
  readonly gaps: readonly SourceGap[];
} {
  return {
    events: entries.filter(({ name }) => name !== SOURCE_GAP),
    gaps: entries.flatMap(({ name, data }) => (name === SOURCE_GAP ? (decodeSourceGap(data) ?? []) : [])),
  };
}

interface Ordered {
  readonly callId: string;
  readonly eventId: string;
}

/** S1 and S2: the log has each of these events once, each leg in its order, and nothing else. */
export function assertAllInOrder(entries: readonly Ordered[], expected: readonly Ordered[]): void {
  const wanted = new Set(expected.map(({ eventId }) => eventId));
  const seen = new Set(entries.map(({ eventId }) => eventId));
  assert.equal(seen.size, entries.length, 'no event is in the log twice');
  assert.deepEqual(
    [...wanted].filter((id) => !seen.has(id)),
    [],
    'nothing is lost',
  );
  assert.deepEqual(
    [...seen].filter((id) => !wanted.has(id)),
    [],
    'nothing is made up',
  );
  assertOrder(entries, expected);
}

/** S2: legs whose events are in the log in a different order than the switch sent them. */
export function assertOrder(entries: readonly Ordered[], expected: readonly Ordered[]): void {
  const places = new Map(expected.map(({ eventId }, index) => [eventId, index]));
  const disordered = [...Map.groupBy(entries, ({ callId }) => callId)].filter(([, leg]) => {
    const order = leg.flatMap(({ eventId }) => places.get(eventId) ?? []);
    return order.some((place, index) => index > 0 && place < (order[index - 1] ?? 0));
  });
  assert.deepEqual(disordered, [], 'legs out of order');
}

/** S3: each leg has one CREATE first and one DESTROY last; `open` legs have no end yet. */
export function assertWholeLegs(entries: readonly Stored[], open: ReadonlySet<string> = new Set()): void {
  for (const [callId, leg] of Map.groupBy(entries, ({ callId }) => callId)) {
    const names = leg.map(({ name }) => name.replace('CHANNEL_', ''));
    const told = `${callId}: ${names.join(' ')}`;
    assert.equal(names.indexOf('CREATE'), 0, `begins with its CREATE, ${told}`);
    assert.equal(names.lastIndexOf('CREATE'), 0, `has one CREATE, ${told}`);
    const end = names.indexOf('DESTROY');
    assert.equal(end, open.has(callId) ? -1 : names.length - 1, `ends with its one DESTROY, ${told}`);
  }
}
