import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Endpoint } from './endpoint.ts';

const fresh = (concurrency = 32) => new Endpoint(concurrency, () => 0);
/** The number of requests that may begin at once. */
function beginAll(endpoint: Endpoint, now: number): number {
  let begun = 0;
  while (endpoint.roomAt(now) > 0) {
    endpoint.begin();
    begun += 1;
  }
  return begun;
}
const failOnce = (endpoint: Endpoint, now: number, retryAfterMs: number | null = null) => {
  endpoint.begin();
  endpoint.fails(now, { begunAt: now, retryAfterMs });
};

test('an endpoint that works has as many requests at a time as it may have', () => {
  const endpoint = fresh();
  assert.equal(beginAll(endpoint, 0), 32);
  endpoint.succeeds(1);
  assert.equal(endpoint.roomAt(1), 1);
});

test('after a fault everything pauses, then one request goes out; the others wait for it', () => {
  const endpoint = fresh();
  failOnce(endpoint, 0);
  assert.equal(endpoint.phase, 'paused');
  assert.deepEqual([endpoint.roomAt(999), endpoint.roomAt(1_000)], [0, 1]);
  assert.equal(beginAll(endpoint, 1_000), 1);
  assert.equal(endpoint.phase, 'probing');
  endpoint.succeeds(1_001);
  assert.equal(endpoint.phase, 'sending');
});

test('after the pause the requests at a time double with each success', () => {
  const endpoint = fresh(10);
  failOnce(endpoint, 0);
  endpoint.begin();
  endpoint.succeeds(1_000);
  const rooms = [endpoint.roomAt(1_000)];
  for (let success = 0; success < 5; success += 1) {
    endpoint.begin();
    endpoint.succeeds(1_001);
    rooms.push(endpoint.roomAt(1_001));
  }
  assert.deepEqual(rooms, [1, 2, 4, 8, 10, 10]);
});

test('pauses grow from 1 s to 5 min, with jitter of up to a half, and begin anew after a success', () => {
  const endpoint = fresh();
  const pauses: number[] = [];
  let now = 0;
  for (let failure = 0; failure < 11; failure += 1) {
    failOnce(endpoint, now);
    pauses.push(endpoint.pausedUntil - now);
    now = endpoint.pausedUntil;
  }
  const seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300];
  assert.deepEqual(
    pauses,
    seconds.map((one) => one * 1_000),
  );
  endpoint.begin();
  endpoint.succeeds(now);
  failOnce(endpoint, now);
  assert.equal(endpoint.pausedUntil - now, 1_000);
  const jittered = new Endpoint(1, () => 1);
  failOnce(jittered, 0);
  assert.equal(jittered.pausedUntil, 500);
});

test('requests of one outage count once, and a wait that was asked for is kept', () => {
  const endpoint = fresh(3);
  beginAll(endpoint, 0);
  endpoint.fails(10, { begunAt: 0, retryAfterMs: null });
  endpoint.fails(11, { begunAt: 0, retryAfterMs: null });
  assert.deepEqual([endpoint.failures, endpoint.pausedUntil], [1, 1_010]);
  endpoint.fails(12, { begunAt: 0, retryAfterMs: 60_000 });
  assert.deepEqual([endpoint.failures, endpoint.pausedUntil], [1, 60_012]);
  assert.equal(endpoint.roomAt(60_011), 0);
});

test('a success of a request from before the pause does not end it', () => {
  const endpoint = fresh(2);
  beginAll(endpoint, 0);
  endpoint.fails(10, { begunAt: 0, retryAfterMs: 30_000 });
  endpoint.succeeds(11);
  assert.deepEqual([endpoint.phase, endpoint.roomAt(1_011)], ['paused', 0]);
  assert.ok(endpoint.othersSucceed('e', 11));
});

test('a probe that we cut off decides nothing: another one may follow at once', () => {
  const endpoint = fresh();
  failOnce(endpoint, 0);
  endpoint.begin();
  endpoint.cut(1_500);
  assert.deepEqual([endpoint.phase, endpoint.roomAt(1_500)], ['paused', 1]);
});

test('an answer about the event says that the endpoint works, and not that anything gets through', () => {
  const endpoint = fresh();
  failOnce(endpoint, 0);
  endpoint.begin();
  endpoint.refuses('e');
  assert.deepEqual([endpoint.phase, endpoint.othersSucceed('e', 1_000)], ['sending', false]);
});

test('a success counts for a minute', () => {
  const endpoint = fresh();
  endpoint.begin();
  endpoint.succeeds(0);
  assert.deepEqual([endpoint.othersSucceed('e', 59_999), endpoint.othersSucceed('e', 60_000)], [true, false]);
});

test('five events that fail without a success between them are no fault of the events any more', () => {
  const endpoint = fresh();
  endpoint.begin();
  endpoint.succeeds(0);
  for (const id of ['a', 'b', 'c', 'd', 'e']) {
    assert.ok(endpoint.othersSucceed(id, 1), id);
    endpoint.begin();
    endpoint.refuses(id);
  }
  assert.ok(!endpoint.othersSucceed('f', 1));
  // An event that fails repeatedly counts once.
  assert.ok(endpoint.othersSucceed('a', 1));
  endpoint.begin();
  endpoint.succeeds(2);
  assert.ok(endpoint.othersSucceed('f', 2));
});

test('a person may have it tried at once', () => {
  const endpoint = fresh();
  failOnce(endpoint, 0, 3_600_000);
  endpoint.tryNow(5);
  assert.equal(endpoint.roomAt(5), 1);
});
