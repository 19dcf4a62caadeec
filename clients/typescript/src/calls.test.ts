import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LiveCalls, type CallChange } from './calls.ts';
import { emptyCall } from './call.ts';
import { EventStream } from './stream.ts';
import { fakeTransport, frameText, peerOf, type FakePeer } from './testing/fake-transport.ts';

const LOGIN = { url: 'https://gateway:9443', login: { username: 'admin', password: 'secret', domain: 'admin' } };
const hello = (cursor: string | null) => frameText({ type: 'hello', cursor });
const call = (id: string, more: object = {}) => ({
  ...emptyCall({ callId: id, account: 'north', eventId: `${id}.CREATE` }, '2026-11-30T10:00:00.000Z'),
  ...more,
});

/** An event of a leg, as the gateway sends it. */
function legText(n: number, name: string, callId: string, fields: object = {}): string {
  const ingested = `2026-11-30T10:00:0${n}.000123Z`;
  const _firehose = { id: `e${n}`, cursor: `c${n}`, account_id: 'north', ingested_at: ingested, traceparent: null };
  return JSON.stringify({ 'Event-Name': name, 'Call-ID': callId, ...fields, _firehose });
}

function snapshot(cursor: string, calls: readonly object[], reason = 'join'): string[] {
  return [
    frameText({ type: 'snapshot_begin', cursor, as_of: '2026-11-30T10:00:00.000Z', reason }),
    ...calls.map((one) => frameText({ type: 'call', call: one })),
    frameText({ type: 'snapshot_end', cursor, calls: calls.length }),
  ];
}

function open(canPause = false) {
  const fake = fakeTransport({ canPause });
  return {
    fake,
    calls: new LiveCalls(new EventStream(LOGIN, () => Promise.resolve(fake.transport), { snapshot: true })),
  };
}

function says(peer: FakePeer, texts: readonly string[]): void {
  peer.events.open();
  for (const text of texts) peer.events.message(text);
}

async function next(calls: LiveCalls): Promise<CallChange> {
  const { value } = await calls.next();
  assert.ok(value !== undefined);
  return value;
}

test('L13: the live calls are asked for, and events change them as they are given', async () => {
  const { fake, calls } = open();
  const first = next(calls);
  const one = await peerOf(fake, 0);
  assert.equal(one.url.searchParams.get('snapshot'), 'calls');
  assert.equal(one.url.searchParams.get('on_gap'), 'snapshot');
  says(one, [hello(null), ...snapshot('c0', [call('a')])]);
  assert.ok(!calls.isCurrent);
  assert.deepEqual(await first, { type: 'snapshot', reason: 'join', calls: 1 });
  assert.ok(calls.isCurrent);
  for (const text of [
    legText(1, 'CHANNEL_CREATE', 'b', { From: 'x@y' }),
    legText(2, 'DTMF', 'b'),
    legText(3, 'CHANNEL_ANSWER', 'a'),
    legText(4, 'CHANNEL_DESTROY', 'a'),
    legText(5, 'CHANNEL_DESTROY', 'unknown'),
    legText(6, 'CHANNEL_HOLD', 'b'),
  ]) {
    one.events.message(text);
  }
  const began = await next(calls);
  assert.ok(began.type === 'began' && began.call.from === 'x@y' && began.call.state === 'ringing');
  const changed = await next(calls);
  assert.ok(changed.type === 'changed' && changed.before.state === 'ringing' && changed.call.state === 'answered');
  assert.equal(changed.call.answered_at, '2026-11-30T10:00:03.000Z');
  const ended = await next(calls);
  assert.ok(ended.type === 'ended' && ended.call.call_id === 'a' && ended.event['Event-Name'] === 'CHANNEL_DESTROY');
  assert.equal((await next(calls)).type, 'changed');
  assert.deepEqual(
    [...calls.values()].map(({ call_id: id, state }) => [id, state]),
    [['b', 'held']],
  );
  assert.equal(calls.get('north', 'b')?.state, 'held');
  await calls.return();
});

test('L13: a snapshot that is cut off was not given, and a whole one is asked for again', async () => {
  const { fake, calls } = open();
  const first = next(calls);
  const one = await peerOf(fake, 0);
  says(one, [hello(null), ...snapshot('c0', [call('a'), call('b')]).slice(0, 2)]);
  one.events.closed(1006, '');
  const two = await peerOf(fake, 1);
  assert.equal(two.url.searchParams.get('cursor'), null, 'the cursor of a snapshot that has not ended is of no use');
  says(two, [hello(null), ...snapshot('c5', [call('b')])]);
  assert.deepEqual(await first, { type: 'snapshot', reason: 'join', calls: 1 });
  assert.deepEqual(
    [...calls.values()].map(({ call_id: id }) => id),
    ['b'],
  );
  await calls.return();
});

test('L14: after a cut the table is kept and resumed; after a gap it is stale until the snapshot that follows', async () => {
  const { fake, calls } = open();
  const first = next(calls);
  const one = await peerOf(fake, 0);
  says(one, [hello(null), ...snapshot('c0', [call('a')]), legText(1, 'CHANNEL_CREATE', 'b')]);
  await first;
  await next(calls);
  one.events.closed(1006, '');
  const third = next(calls);
  const two = await peerOf(fake, 1);
  assert.equal(two.url.searchParams.get('cursor'), 'c1');
  says(two, [hello('c1'), legText(2, 'CHANNEL_DESTROY', 'a')]);
  assert.equal((await third).type, 'ended');
  const gap = next(calls);
  two.events.message(frameText({ type: 'gap', reason: 'trimmed', requested: 'c2', oldest: 'c9', missed: null }));
  assert.equal((await gap).type, 'gap');
  assert.ok(!calls.isCurrent);
  assert.equal(calls.size, 1, 'the former table is shown until there is a new one');
  for (const text of snapshot('c9', [call('c')], 'gap')) two.events.message(text);
  assert.deepEqual(await next(calls), { type: 'snapshot', reason: 'gap', calls: 1 });
  assert.ok(calls.isCurrent && calls.get('north', 'c') !== undefined);
  await calls.return();
});

test('L14: a snapshot is asked for in band', async () => {
  const { fake, calls } = open();
  const first = next(calls);
  const one = await peerOf(fake, 0);
  says(one, [hello(null), ...snapshot('c0', [])]);
  await first;
  assert.ok(calls.refresh());
  assert.deepEqual(one.sent, [{ snapshot: 'calls' }]);
  await calls.return();
});

test('L7: a large snapshot comes through where a socket cannot be stopped', async () => {
  const { fake, calls } = open();
  const first = next(calls);
  const one = await peerOf(fake, 0);
  says(one, [
    hello(null),
    ...snapshot(
      'c0',
      Array.from({ length: 5_000 }, (_, n) => call(`call-${n}`)),
    ),
  ]);
  assert.deepEqual(await first, { type: 'snapshot', reason: 'join', calls: 5_000 });
  assert.ok(!one.isClosed);
  await calls.return();
});

test('L15: what a switch says after the platform ended a leg does not bring it back', async () => {
  const { fake, calls } = open();
  const first = next(calls);
  const one = await peerOf(fake, 0);
  says(one, [hello(null), ...snapshot('c0', [call('a')])]);
  await first;
  one.events.message(legText(1, 'CHANNEL_DESTROY', 'a', { 'Firehose-Synthetic': 'missed' }));
  one.events.message(legText(2, 'CHANNEL_ANSWER', 'a'));
  one.events.message(legText(3, 'CHANNEL_CREATE', 'z'));
  assert.equal((await next(calls)).type, 'ended');
  const began = await next(calls);
  assert.ok(began.type === 'began' && began.call.call_id === 'z');
  await calls.return();
});

test('a snapshot that contradicts other options is refused with all faults', () => {
  const fake = fakeTransport();
  const wrong = { snapshot: true, from: '-1m', onGap: 'fail' } as const;
  assert.throws(() => new EventStream(LOGIN, () => Promise.resolve(fake.transport), wrong), {
    code: 'invalid_option',
    message: /from, to.*onGap/,
  });
});
