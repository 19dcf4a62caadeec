import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { CONTROL_FRAME_START, eventIdOf, eventMetaOf, META_KEY, metaTail } from './event-meta.ts';
import { encodeServerFrame } from './server-frame.ts';
import { syntheticReason } from './synthetic.ts';

const META = { account: 'a', ingestedAt: '1763979370500222', traceparent: 't' };
const PLACE = { eventId: 'e1', entryId: '1763979370501-0', cursor: 'c' };

test('the key and the fields that an event gets are what clients were promised, and never change', () => {
  const event = JSON.parse(`{"n":1${metaTail({ ...eventMetaOf(META, PLACE), attempt: 2 }, true)}`) as object;
  assert.deepEqual(event, {
    n: 1,
    _firehose: {
      id: 'e1',
      cursor: 'c',
      account_id: 'a',
      ingested_at: '2025-11-24T10:16:10.500222Z',
      traceparent: 't',
      attempt: 2,
    },
  });
  assert.equal(META_KEY, '_firehose');
});

test('an event that is not the switch’s own says why, and no other event has that key', () => {
  const meta = eventMetaOf(META, { ...PLACE, synthetic: 'switch_lost' });
  assert.equal(meta.synthetic, 'switch_lost');
  assert.equal('synthetic' in eventMetaOf(META, { ...PLACE, synthetic: null }), false);
  assert.equal(syntheticReason('silent'), 'silent');
  assert.equal(syntheticReason('invented'), null);
});

test('what is unknown is null; the time is then that of the entry, and the id its place', () => {
  const unknown = { account: '', ingestedAt: '', traceparent: '' };
  assert.deepEqual(eventMetaOf(unknown, PLACE), {
    id: 'e1',
    cursor: 'c',
    account_id: null,
    ingested_at: '2025-11-24T10:16:10.501000Z',
    traceparent: null,
  });
  assert.equal(eventMetaOf(null, { ...PLACE, entryId: '18446744073709551615-1' }).ingested_at, null);
  assert.equal(eventIdOf({ eventId: '' }, 3, '5-1'), '3:5-1');
  assert.equal(eventIdOf({ eventId: 'given' }, 3, '5-1'), 'given');
});

test('any time is that of the calendar, in whatever order events come', () => {
  const time = fc.oneof(fc.maxSafeNat(), fc.integer({ min: 1_763_979_369_999_000, max: 1_763_979_371_001_000 }));
  fc.assert(
    fc.property(time, (microseconds) => {
      const { ingested_at } = eventMetaOf({ ...META, ingestedAt: String(microseconds) }, PLACE);
      const calendar = new Date(Math.floor(microseconds / 1_000)).toISOString().slice(0, -1);
      assert.equal(ingested_at, `${calendar}${String(microseconds % 1_000).padStart(3, '0')}Z`);
    }),
  );
});

test('an event without keys gets no comma, and a control frame begins as no event does', () => {
  assert.ok(metaTail(eventMetaOf(META, PLACE), false).startsWith('"_firehose":'));
  assert.ok(encodeServerFrame({ type: 'drain', retry_after_ms: 1 }).startsWith(CONTROL_FRAME_START));
});
