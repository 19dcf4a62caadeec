import assert from 'node:assert/strict';
import { it } from 'node:test';
import { judgeContinuity, trimmedUpTo, type PartitionState } from './continuity.ts';

const sound: PartitionState = {
  epoch: 'e',
  oldest: '5-0',
  trimmed: '0-0',
  newest: '9-0',
  added: 9,
  length: 5,
  maxDeleted: '0-0',
  holdsPosition: true,
};
const reader = { id: '7-0', addedBefore: 7, behind: true };

it('finds nothing wrong with a stream that only grew', () => {
  assert.equal(judgeContinuity(sound, reader), null);
  assert.equal(judgeContinuity(sound, { ...reader, id: '0-0', addedBefore: 0 }), null);
});

it('finds a stream that ends before the position', () => {
  assert.equal(judgeContinuity({ ...sound, newest: '6-0' }, reader), 'position_ahead');
});

it('finds a stream to which fewer entries were added than before', () => {
  assert.equal(judgeContinuity({ ...sound, added: 6 }, reader), 'count_went_back');
});

it('finds that the entry at the position is gone, unless it was deleted by hand', () => {
  assert.equal(judgeContinuity({ ...sound, holdsPosition: false }, reader), 'position_vanished');
  assert.equal(judgeContinuity({ ...sound, holdsPosition: false, maxDeleted: '7-0' }, reader), null);
});

it('finds a stream that was deleted and filled again', () => {
  const refilled = { ...sound, oldest: '8-0', holdsPosition: false, length: 9 };
  assert.equal(judgeContinuity(refilled, reader), 'position_vanished');
});

it('finds that trimming overtook a reader that was behind', () => {
  const trimmed = { ...sound, oldest: '8-0', holdsPosition: false, length: 2 };
  assert.equal(judgeContinuity(trimmed, reader), 'trimmed_past');
  assert.equal(judgeContinuity(trimmed, { ...reader, behind: false }), null);
});

it('is content with a stream of which everything was trimmed', () => {
  assert.equal(judgeContinuity({ ...sound, oldest: '0-0', length: 0, holdsPosition: false }, reader), null);
});

it('what was removed is known exactly where only our trimming removed it, and guessed on the safe side elsewhere', () => {
  const stream = { oldest: '8-3', newest: '9-0', added: 10, length: 10, recorded: '', removed: 0 };
  assert.equal(trimmedUpTo(stream), '0-0');
  assert.equal(trimmedUpTo({ ...stream, length: 4, recorded: '8-1', removed: 6 }), '8-1');
  assert.equal(trimmedUpTo({ ...stream, length: 4, recorded: '8-1', removed: 5 }), '8-2');
  assert.equal(trimmedUpTo({ ...stream, oldest: '8-0', length: 4 }), `7-${Number.MAX_SAFE_INTEGER}`);
  assert.equal(trimmedUpTo({ ...stream, oldest: '0-0', length: 0 }), '9-0');
});
