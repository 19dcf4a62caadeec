import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nearestName } from './nearest-name.ts';

const KNOWN = ['CHANNEL_ANSWER', 'CHANNEL_CREATE', 'CHANNEL_DESTROY', 'DTMF'];

test('a slip of the fingers finds the name that was meant', () => {
  for (const given of ['CHANNEL_ANSWERED', 'CHANEL_ANSWER', 'CHANNEL_ANWSER', 'channel_answer', 'CHANNEL-ANSWER']) {
    assert.equal(nearestName(given, KNOWN), 'CHANNEL_ANSWER', given);
  }
  assert.equal(nearestName('DTFM', KNOWN), 'DTMF');
});

test('another word finds nothing', () => {
  for (const given of ['QUEUE_ENTERED', 'X', '', 'CALL']) assert.equal(nearestName(given, KNOWN), null, given);
  assert.equal(nearestName('agents', ['events']), null);
});
