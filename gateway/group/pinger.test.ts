import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { Pinger } from './pinger.ts';

function pinger() {
  const pings: string[] = [];
  return { pings, pinger: new Pinger((payload) => pings.push(payload.toString())) };
}

test('each batch is asked for as soon as the one before it was answered', () => {
  const { pings, pinger: one } = pinger();
  one.wrote(3);
  one.wrote(5);
  assert.deepEqual(pings, ['group:3']);
  assert.equal(one.answered(Buffer.from('group:3')), 3);
  assert.deepEqual(pings, ['group:3', 'group:5']);
  assert.equal(one.answered(Buffer.from('group:5')), 5);
  one.stop();
});

test('without an answer it asks again after 500 events or a second', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { pings, pinger: one } = pinger();
  one.wrote(1);
  one.wrote(501);
  assert.deepEqual(pings, ['group:1', 'group:501']);
  one.wrote(502);
  mock.timers.tick(999);
  assert.equal(pings.length, 2);
  mock.timers.tick(1);
  assert.deepEqual(pings.at(-1), 'group:502');
  assert.equal(one.answered(Buffer.from('group:502')), 502);
  mock.timers.reset();
});

test('a pong that answers no ping of the group acknowledges nothing', () => {
  const { pinger: one } = pinger();
  one.wrote(3);
  for (const text of ['', 'group:', 'group:4', 'group:-1', 'group:x', 'heartbeat', 'group:2.5', 'x'.repeat(125)])
    assert.equal(one.answered(Buffer.from(text)), null, text);
  assert.equal(one.answered(Buffer.from('group:3')), 3);
  assert.equal(one.answered(Buffer.from('group:3')), null);
  one.stop();
});
