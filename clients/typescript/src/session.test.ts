import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { inspect } from 'node:util';
import { FirehoseError } from './errors.ts';
import { GroupStream } from './group.ts';
import { EventStream } from './stream.ts';
import { eventText, fakeTransport, frameText, peerOf as peer, type FakeTransport } from './testing/fake-transport.ts';
import type { LoginAnswer } from './transport.ts';
import type { StreamItem } from './items.ts';

const LOGIN = { url: 'https://gateway:9443', login: { username: 'admin', password: 'secret', domain: 'admin' } };
const HELLO = frameText({ type: 'hello', cursor: 'c0' });

const refusal = (status: number, code: string, retryAfter: string | null = null): LoginAnswer => ({
  status,
  retryAfter,
  body: { code, detail: `refused: ${code}` },
});

function stream(fake: FakeTransport, options: ConstructorParameters<typeof EventStream>[2] = {}) {
  return new EventStream(LOGIN, () => Promise.resolve(fake.transport), options);
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let turns = 0; turns < 1_000_000; turns += 1) {
    if (holds()) return;
    await turn();
  }
  throw new Error(`waited for ${what}`);
}

const idOf = ({ value }: IteratorResult<StreamItem, undefined>) => (value?.type === 'event' ? value.id : value?.type);

test('L2, L4: a connection that is cut is followed by one that continues after the last event', async () => {
  const fake = fakeTransport();
  const events = stream(fake);
  const first = events.next();
  const one = await peer(fake, 0);
  assert.equal(one.url.searchParams.get('cursor'), null);
  assert.equal(one.url.searchParams.get('token'), null, 'the transport decides where the token goes');
  one.events.open();
  for (const text of [HELLO, eventText(1), eventText(2)]) one.events.message(text);
  assert.equal(idOf(await first), 'e1');
  assert.equal(idOf(await events.next()), 'e2');
  one.events.closed(1006, '');
  const third = events.next();
  const two = await peer(fake, 1);
  assert.equal(two.url.searchParams.get('cursor'), 'c2');
  assert.equal(fake.logins.length, 1, 'the token is kept');
  two.events.open();
  // L5: a repeated event is dropped.
  for (const text of [HELLO, eventText(2), eventText(3)]) two.events.message(text);
  assert.equal(idOf(await third), 'e3');
  await events.return();
  assert.ok(two.isClosed);
});

test('L1: an expiring token is renewed in band, and after 4401 the client logs in again', async () => {
  const fake = fakeTransport();
  const events = stream(fake);
  const first = events.next();
  const one = await peer(fake, 0);
  one.events.open();
  one.events.message(HELLO);
  one.events.message(frameText({ type: 'token_expiring', expires_in_ms: 5_000 }));
  await until('the new token', () => one.sent.length > 0);
  assert.deepEqual(one.sent, [{ auth: 'token-1' }]);
  assert.equal(fake.logins[1]?.bearer, 'token-0');
  one.events.closed(4401, '{"e":"token_expired"}');
  const two = await peer(fake, 1);
  assert.equal(two.token, 'token-2');
  two.events.open();
  two.events.message(HELLO);
  two.events.message(eventText(1));
  assert.equal(idOf(await first), 'e1');
  await events.return();
});

test('L3: a close of 4500 and above stops with a typed error, and so do two refused logins', async () => {
  const fake = fakeTransport();
  const closed = stream(fake).next();
  (await peer(fake, 0)).events.closed(4503, '{"e":"revoked"}');
  await assert.rejects(closed, (error: FirehoseError) => {
    assert.deepEqual([error.code, error.reason, error.status], ['refused', 'revoked', 4503]);
    return true;
  });
  const wrong = fakeTransport({ answer: () => refusal(401, 'invalid_credentials') });
  await assert.rejects(stream(wrong).next(), { name: 'FirehoseError', code: 'login_refused', status: 401 });
  assert.equal(wrong.logins.length, 2);
  const bad = fakeTransport({ answer: () => refusal(400, 'unknown_event') });
  await assert.rejects(stream(bad).next(), { code: 'refused', reason: 'unknown_event', status: 400 });
});

test('a gateway that is busy is asked again after Retry-After', async () => {
  const fake = fakeTransport({
    answer: (n) =>
      n === 0 ? refusal(503, 'login_busy', '0') : { status: 200, retryAfter: null, body: { access_token: 't' } },
  });
  const events = stream(fake);
  const first = events.next();
  const one = await peer(fake, 0);
  one.events.open();
  one.events.message(eventText(1));
  assert.equal(idOf(await first), 'e1');
  assert.equal(fake.logins.length, 2);
  await events.return();
});

test('L6: a gap is an item, or an error where it was asked for', async () => {
  const gap = frameText({ type: 'gap', reason: 'cursor_too_old', requested: 'c1', oldest: 'c9', missed: 7 });
  const fake = fakeTransport();
  const events = stream(fake);
  const first = events.next();
  const one = await peer(fake, 0);
  one.events.open();
  one.events.message(gap);
  one.events.message(frameText({ type: 'source_gap', reason: 'connection_lost' }));
  assert.deepEqual((await first).value, { type: 'gap', reason: 'cursor_too_old', requested: 'c1', missed: 7 });
  assert.deepEqual((await events.next()).value, { type: 'gap', reason: 'source_gap', requested: null, missed: null });
  one.events.closed(4410, '{"e":"epoch_lost"}');
  assert.equal((await events.next()).value?.type, 'gap');
  await events.return();
  const strict = fakeTransport();
  const failing = stream(strict, { onGap: 'fail' }).next();
  (await peer(strict, 0)).events.message(gap);
  await assert.rejects(failing, { code: 'gap', reason: 'cursor_too_old' });
});

test('L7: a consumer that is slow stops the socket, and no more than 1,000 messages wait', async () => {
  const fake = fakeTransport({ canPause: true });
  const events = stream(fake);
  const first = events.next();
  const one = await peer(fake, 0);
  one.events.open();
  for (let n = 1; n <= 1_001; n += 1) one.events.message(eventText(n));
  assert.ok(one.isPaused);
  assert.equal(idOf(await first), 'e1');
  for (let n = 2; n <= 700; n += 1) assert.equal(idOf(await events.next()), `e${n}`);
  assert.ok(!one.isPaused);
  await events.return();
});

test('L7: where a socket cannot be stopped it is closed, and the stream continues after what waits', async () => {
  const fake = fakeTransport();
  const events = stream(fake);
  const first = events.next();
  const one = await peer(fake, 0);
  one.events.open();
  for (let n = 1; n <= 1_500; n += 1) one.events.message(eventText(n));
  assert.ok(one.isClosed);
  assert.equal(idOf(await first), 'e1');
  for (let n = 2; n <= 1_000; n += 1) assert.equal(idOf(await events.next()), `e${n}`);
  const next = events.next();
  const two = await peer(fake, 1);
  assert.equal(two.url.searchParams.get('cursor'), 'c1000');
  two.events.message(eventText(1_001));
  assert.equal(idOf(await next), 'e1001');
  await events.return();
});

test('L9: a replica that leaves is left for another one before the connection to it ends', async () => {
  const fake = fakeTransport();
  const events = stream(fake);
  const first = events.next();
  const one = await peer(fake, 0);
  one.events.open();
  for (const text of [HELLO, eventText(1), eventText(2)]) one.events.message(text);
  one.events.message(frameText({ type: 'drain', retry_after_ms: 0 }));
  const two = await peer(fake, 1);
  assert.ok(!one.isClosed, 'the former connection is still open');
  two.events.open();
  two.events.message(HELLO);
  assert.ok(one.isClosed);
  two.events.message(eventText(3));
  assert.equal(idOf(await first), 'e1');
  assert.equal(idOf(await events.next()), 'e2');
  assert.equal(idOf(await events.next()), 'e3');
  await events.return();
});

test('L10: neither the client nor its errors show the password or the token', async () => {
  const fake = fakeTransport();
  const closed = stream(fake).next();
  (await peer(fake, 0)).events.closed(4503, '{"e":"revoked"}');
  const error = await closed.catch((reason: unknown) => reason);
  assert.ok(error instanceof FirehoseError);
  const shown = inspect(error, { depth: 9 }) + inspect(stream(fake), { depth: 9 });
  assert.doesNotMatch(shown, /secret|token-\d/);
});

test('L11: an abort ends the stream without an error', async () => {
  const abort = new AbortController();
  const fake = fakeTransport();
  const events = stream(fake, { signal: abort.signal });
  const first = events.next();
  const one = await peer(fake, 0);
  one.events.open();
  abort.abort();
  assert.deepEqual(await first, { done: true, value: undefined });
  assert.ok(one.isClosed);
  const other = new AbortController();
  const many = stream(fake, { signal: other.signal });
  const item = many.next();
  const two = await peer(fake, 1);
  two.events.open();
  for (const text of [eventText(1), eventText(2)]) two.events.message(text);
  assert.equal(idOf(await item), 'e1');
  other.abort();
  assert.equal((await many.next()).done, true, 'what waits is not given');
});

test('L4: a cursor is kept after the body ran, and one that cannot be read is an error', async () => {
  const saved: string[] = [];
  const store = {
    load: () => Promise.resolve('c5'),
    save: (cursor: string) => Promise.resolve(void saved.push(cursor)),
  };
  const fake = fakeTransport();
  const events = stream(fake, { cursorStore: store });
  const first = events.next();
  const one = await peer(fake, 0);
  assert.equal(one.url.searchParams.get('cursor'), 'c5');
  one.events.open();
  for (const text of [eventText(6), eventText(7)]) one.events.message(text);
  await first;
  assert.deepEqual(saved, [], 'the body of the first is still running');
  await events.next();
  await events.return();
  assert.deepEqual(saved, ['c6'], 'the second was not finished');
  const broken = { load: () => Promise.reject(new Error('disk')), save: () => Promise.resolve() };
  await assert.rejects(stream(fake, { cursorStore: broken }).next(), { code: 'cursor_store' });
});

test('a group gives as many deliveries as may be under way, and acknowledges again what comes twice', async () => {
  const fake = fakeTransport();
  const group = new GroupStream(LOGIN, () => Promise.resolve(fake.transport), 'billing', { concurrency: 2 });
  const first = group.next();
  const one = await peer(fake, 0);
  assert.equal(one.url.searchParams.get('group'), 'billing');
  one.events.open();
  for (const text of [HELLO, eventText(1), eventText(2), eventText(3)]) one.events.message(text);
  const a = (await first).value;
  const b = (await group.next()).value;
  assert.ok(a?.type === 'delivery' && b?.type === 'delivery');
  let isGiven = false;
  const third = group.next().then((result) => ((isGiven = true), result));
  await turn();
  assert.ok(!isGiven, 'two are under way');
  a.ack();
  assert.equal((await third).value?.type, 'delivery');
  b.nack(500);
  assert.deepEqual(one.sent, [{ ack: ['e1'] }, { nack: 'e2', delay_ms: 500 }]);
  one.events.message(eventText(1));
  one.events.message(eventText(4));
  const fourth = (await group.next()).value;
  assert.ok(fourth?.type === 'delivery' && fourth.id === 'e4');
  assert.deepEqual(one.sent.at(-1), { ack: ['e1'] });
  await group.return();
});

test('a login asks for the privacy profile that its options name, and for none otherwise', async () => {
  for (const privacy of [undefined, 'strict']) {
    const fake = fakeTransport();
    const login = { ...LOGIN.login, ...(privacy !== undefined && { privacy }) };
    const events = new EventStream({ ...LOGIN, login }, () => Promise.resolve(fake.transport), {});
    void events.next();
    await peer(fake, 0);
    const { body } = fake.logins[0] as { body: Record<string, unknown> };
    assert.deepEqual(body, login);
    await events.return();
  }
});
