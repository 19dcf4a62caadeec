import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger, type Loaded } from './ledger.ts';
import { Outbox } from './outbox.ts';

function held(id: string) {
  const meta = { name: 'DTMF', account: 'acme', callId: '', eventId: id, ingestedAt: '', traceparent: '' };
  const entry = {
    partition: 0,
    id,
    eventId: id,
    metaLine: '',
    meta,
    data: Buffer.from('{}'),
    attempts: 0,
    excused: 0,
    scope: 0,
  };
  return new Ledger<Loaded>().add(entry, id, () => ({ load: 0 }));
}

test('a caller that waits learns when the turn went through, also when it went twice', async () => {
  const outbox = new Outbox<Loaded>();
  outbox.acknowledge(held('1-0'));
  const first = outbox.flushed();
  const parcel = outbox.take();
  outbox.acknowledge(held('2-0'));
  const second = outbox.flushed();
  outbox.putBack(parcel);
  const again = outbox.take();
  assert.deepEqual(
    again.acks.map(({ id }) => id),
    ['1-0', '2-0'],
  );
  again.flushed?.resolve(true);
  assert.deepEqual(await Promise.all([first, second]), [true, true]);
  assert.ok(outbox.isEmpty);
});

test('a lost lease settles every wait and gives back what was acknowledged in vain (I11)', async () => {
  const outbox = new Outbox<Loaded>();
  outbox.acknowledge(held('1-0'));
  const flushed = outbox.flushed();
  const givenUp = outbox.giveUp(held('2-0'), 'terminated', '');
  assert.deepEqual(outbox.discard(), ['1-0']);
  assert.deepEqual(await Promise.all([flushed, givenUp]), [false, false]);
  assert.ok(outbox.isEmpty);
  assert.equal(outbox.givenUp.length, 0);
});

test('attempts of what is acknowledged already are not kept', () => {
  const outbox = new Outbox<Loaded>();
  const [done, open] = [held('1-0'), held('2-0')];
  done.state = 'finishing';
  open.state = 'written';
  outbox.wrote(done);
  outbox.wrote(open);
  assert.deepEqual(outbox.take().written, [open]);
});
