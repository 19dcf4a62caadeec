import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeServerFrame, serverFrameSchema } from './server-frame.ts';

test('a control frame is an object whose only key is _firehose', () => {
  const frame = { type: 'drain', retry_after_ms: 1_200 } as const;
  assert.equal(encodeServerFrame(frame), '{"_firehose":{"type":"drain","retry_after_ms":1200}}');
});

test('a frame with a key too many, too few or of another type is refused', () => {
  const wrong = [
    { type: 'drain' },
    { type: 'drain', retry_after_ms: -1 },
    { type: 'drain', retry_after_ms: 1, more: 1 },
    { type: 'watermark', cursor: 'a', time: 'yesterday' },
    { type: 'gap', reason: 'weather', requested: null, oldest: 'a', missed: null },
    { type: 'lagging', behind_events: 1 },
    { type: 'nonsense' },
  ];
  for (const frame of wrong) assert.equal(serverFrameSchema.safeParse(frame).success, false, JSON.stringify(frame));
});
