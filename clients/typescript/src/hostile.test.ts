import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { Connection } from './connection.ts';
import { FirehoseError } from './errors.ts';
import { GroupStream } from './group.ts';
import { EventStream } from './stream.ts';
import { eventText, fakeTransport, frameText, peerOf as peer, type FakeTransport } from './testing/fake-transport.ts';
import type { LoginAnswer } from './transport.ts';
import type { StreamItem } from './items.ts';
import { afterRefusal } from './verdict.ts';
import { Waiting } from './waiting.ts';

const GATEWAY = { url: 'https://gateway:9443' };
const LOGIN = { ...GATEWAY, login: { username: 'admin', password: 'secret', domain: 'admin' } };
const HELLO = frameText({ type: 'hello', cursor: 'c0' });
const answer = (status: number, body: unknown): LoginAnswer => ({ status, retryAfter: '0', body });
const never = () => new Promise<never>(() => undefined);

function stream(
  fake: FakeTransport,
  options: ConstructorParameters<typeof EventStream>[2] = {},
  client: ConstructorParameters<typeof EventStream>[0] = LOGIN,
) {
  return new EventStream(client, () => Promise.resolve(fake.transport), options);
}

const idOf = ({ value }: IteratorResult<StreamItem, undefined>) => (value?.type === 'event' ? value.id : value?.type);

/** Milliseconds until it is settled. */
async function lasts(promise: Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await promise.catch(() => undefined);
  return performance.now() - begun;
}

test('several calls of next at once connect once and give each event once, in order', async () => {
  const fake = fakeTransport();
  const events = stream(fake);
  const three = [events.next(), events.next(), events.next()];
  const one = await peer(fake, 0);
  one.events.open();
  for (const text of [HELLO, eventText(1), eventText(2), eventText(3)]) one.events.message(text);
  assert.deepEqual((await Promise.all(three)).map(idOf), ['e1', 'e2', 'e3']);
  assert.equal(fake.peers.length, 1);
  await events.return();
});

test('L11: a function for tokens that never answers does not keep a stream from ending, nor opens a connection later', async () => {
  const fake = fakeTransport();
  const late = Promise.withResolvers<string>();
  const abort = new AbortController();
  const events = stream(fake, { signal: abort.signal }, { ...GATEWAY, token: () => late.promise });
  const first = events.next();
  await turn();
  abort.abort();
  assert.ok((await lasts(first)) < 1_000);
  assert.equal((await first).done, true);
  late.resolve('token');
  for (let turns = 0; turns < 20; turns += 1) await turn();
  assert.equal(fake.peers.length, 0);
});

test('L11: an abort at the moment in which a login is answered leaves no connection open', async () => {
  const abort = new AbortController();
  const fake = fakeTransport({
    answer() {
      abort.abort();
      return answer(200, { access_token: 't' });
    },
  });
  assert.equal((await stream(fake, { signal: abort.signal }).next()).done, true);
  for (let turns = 0; turns < 20; turns += 1) await turn();
  assert.ok(fake.peers.every(({ isClosed }) => isClosed));
});

test('a function for tokens that fails is asked again, and stops the stream by a FirehoseError', async () => {
  const fake = fakeTransport();
  let asked = 0;
  const token = () => {
    asked += 1;
    if (asked < 3) throw new Error('no network');
    return Promise.resolve('token');
  };
  const events = stream(fake, {}, { ...GATEWAY, token });
  const first = events.next();
  const one = await peer(fake, 0);
  assert.deepEqual([asked, one.token], [3, 'token']);
  one.events.message(eventText(1));
  assert.equal(idOf(await first), 'e1');
  await events.return();
  const stop = () => Promise.reject(new FirehoseError('login_refused', 'locked'));
  await assert.rejects(stream(fake, {}, { ...GATEWAY, token: stop }).next(), { code: 'login_refused' });
  const nothing = () => Promise.resolve(undefined as unknown as string);
  await assert.rejects(stream(fake, {}, { ...GATEWAY, token: nothing }).next(), { code: 'invalid_option' });
});

test('an answer of 200 without a token, as of a captive portal, is no reason to stop', async () => {
  const fake = fakeTransport({ answer: (n) => answer(200, n === 0 ? null : { access_token: 't' }) });
  const events = stream(fake);
  const first = events.next();
  (await peer(fake, 0)).events.message(eventText(1));
  assert.equal(idOf(await first), 'e1');
  assert.equal(fake.logins.length, 2);
  await events.return();
});

test('L2: a Retry-After that is no time to wait is not one', () => {
  const waits = (header: string) => (afterRefusal(503, null, header) as { afterMs: number }).afterMs;
  assert.deepEqual(['7', '-5', '1e9', 'NaN', '', 'Infinity'].map(waits), [7_000, 1_000, 1_000, 1_000, 1_000, 1_000]);
  // A timer with a longer time fires at once.
  assert.ok(waits('99999999999') <= 2 ** 31 - 1);
});

test('L2: a replica that is gone before the time that its drain named is not replaced before that time', async () => {
  const fake = fakeTransport();
  const events = stream(fake);
  const first = events.next();
  const one = await peer(fake, 0);
  one.events.open();
  one.events.message(HELLO);
  const asked = performance.now();
  one.events.message(frameText({ type: 'drain', retry_after_ms: 700 }));
  one.events.closed(1012, '{"e":"rolling_restart"}');
  const two = await peer(fake, 1);
  assert.ok(performance.now() - asked >= 695, 'a storm: all clients of the replica come at once');
  two.events.message(eventText(1));
  assert.equal(idOf(await first), 'e1');
  await events.return();
});

test('frames whose values have other types are neither an error nor a place to continue from', async () => {
  const fake = fakeTransport();
  const events = stream(fake);
  const first = events.next();
  const one = await peer(fake, 0);
  one.events.open();
  for (const _firehose of [
    [],
    { id: 5, cursor: 'c' },
    { id: 'e', cursor: null },
    { type: 7 },
    { type: 'constructor' },
    { type: 'watermark', cursor: 9 },
    { type: 'snapshot_begin', cursor: 'x' },
    { type: 'call', call: null },
    { type: 'token_expiring', expires_in_ms: 'soon' },
  ]) {
    one.events.message(JSON.stringify({ _firehose }));
  }
  one.events.message(eventText(1));
  assert.equal(idOf(await first), 'e1');
  const second = events.next();
  one.events.message(frameText({ type: 'watermark', cursor: 9 }));
  one.events.message(frameText({ type: 'drain', retry_after_ms: 1e300 }));
  one.events.closed(1006, '');
  await turn();
  await events.return();
  assert.equal((await second).done, true);
});

test('L1: a renewal that is refused counts once the token has expired, and not before', async () => {
  const fake = fakeTransport({
    answer: (n) => (n === 1 ? answer(401, { code: 'wrong_credentials' }) : answer(200, { access_token: `token-${n}` })),
  });
  const events = stream(fake);
  const first = events.next();
  const one = await peer(fake, 0);
  one.events.open();
  one.events.message(HELLO);
  one.events.message(frameText({ type: 'token_expiring', expires_in_ms: 5_000 }));
  while (fake.logins.length < 2) await turn();
  one.events.closed(4401, '{"e":"token_expired"}');
  const two = await peer(fake, 1);
  assert.equal(two.token, 'token-2');
  two.events.message(eventText(1));
  assert.equal(idOf(await first), 'e1');
  await events.return();
});

test('L4: a store that throws, hangs or has nothing ends the stream, waits or begins anew, and never silently', async () => {
  const fake = fakeTransport();
  const thrown = () => {
    throw new Error('disk');
  };
  const saves = () => Promise.resolve();
  await assert.rejects(stream(fake, { cursorStore: { load: thrown, save: saves } }).next(), { code: 'cursor_store' });
  const wrong = { load: () => Promise.resolve(7 as unknown as string), save: saves };
  await assert.rejects(stream(fake, { cursorStore: wrong }).next(), { code: 'cursor_store' });
  const abort = new AbortController();
  const hung = stream(fake, { cursorStore: { load: never, save: saves }, signal: abort.signal }).next();
  await turn();
  abort.abort();
  assert.equal((await hung).done, true);
  assert.equal(fake.peers.length, 0);
  const empty = { load: () => Promise.resolve(undefined as unknown as null), save: thrown };
  const events = stream(fake, { cursorStore: empty, from: '-1m' });
  const first = events.next();
  const one = await peer(fake, 0);
  assert.deepEqual([one.url.searchParams.get('cursor'), one.url.searchParams.get('from')], [null, '-1m']);
  for (const n of [1, 2, 3, 4]) one.events.message(eventText(n));
  await first;
  await assert.rejects(
    async () => {
      for (;;) {
        await events.next();
        await turn();
      }
    },
    { code: 'cursor_store' },
  );
  assert.ok(one.isClosed);
});

test('L11: a save that hangs delays the end by a second at most, and is an error', async () => {
  const fake = fakeTransport();
  const events = stream(fake, { cursorStore: { load: () => Promise.resolve(null), save: never } });
  const first = events.next();
  const one = await peer(fake, 0);
  for (const n of [1, 2]) one.events.message(eventText(n));
  await first;
  await events.next();
  const end = events.return();
  // By a timer of this process: a busy machine delays both.
  const late = delay(1_500, undefined, { ref: false });
  await assert.rejects(Promise.race([end, late]), { code: 'cursor_store' });
});

test('L8: a server that answers no handshake is left after 15 s, one that says nothing after 60 s', () => {
  mock.timers.enable({ apis: ['setInterval'] });
  try {
    for (const [isOpen, limitMs] of [
      [false, 15_000],
      [true, 60_000],
    ] as const) {
      const fake = fakeTransport();
      const connection = new Connection(fake.transport, { url: 'wss://gateway/', token: 't' }, () => undefined);
      if (isOpen) fake.peers[0]?.events.open();
      mock.timers.tick(limitMs - 1);
      assert.ok(!fake.peers[0]?.isClosed);
      mock.timers.tick(10_000);
      assert.equal(connection.ended?.code, 1006);
      assert.ok(fake.peers[0]?.isClosed);
    }
  } finally {
    mock.timers.reset();
  }
});

test('K4: a consumer that is always behind holds what waits for it, and nothing that it has taken', () => {
  const waiting = new Waiting();
  // Each one is a text of its own, so all of them need 400 MB.
  const text = () => Buffer.alloc(20_000, 'x').toString('latin1');
  for (let n = 0; n < 500; n += 1) waiting.add(text());
  for (let n = 0; n < 20_000; n += 1) {
    waiting.add(text());
    assert.equal(waiting.take()?.length, 20_000);
  }
  assert.equal(waiting.length, 500);
  assert.equal(waiting.events, 500);
  const { heapUsed } = process.memoryUsage();
  assert.ok(heapUsed < 200 * 1_048_576, `${Math.round(heapUsed / 1_048_576)} MB`);
});

test('a group that was never iterated keeps no timer, and ends what waits in it', async () => {
  const before = process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
  const fake = fakeTransport();
  const group = new GroupStream(LOGIN, () => Promise.resolve(fake.transport), 'billing', {});
  assert.equal(process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length, before);
  const waits = [group.next(), group.next()];
  await peer(fake, 0);
  await group.return();
  assert.deepEqual(
    (await Promise.all(waits)).map(({ done }) => done),
    [true, true],
  );
  assert.equal((await group.next()).done, true);
});
