import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeName } from './catalogue.ts';
import { encodeMeta } from './entry.ts';
import {
  decodeSourceGap,
  encodeSourceGap,
  isSourceGap,
  SOURCE_GAP,
  sourceGapId,
  type SourceGap,
} from './source-gap.ts';

const GAP: SourceGap = {
  source: 'telephony/pbx',
  endpoint: 'pbx1',
  reason: 'connection_lost',
  from: 1_763_979_370_000,
  to: 1_763_979_430_000,
  legs_ended: 2,
  legs_begun: 0,
};

test('a gap is read as it was written, and keys of a newer version are ignored', () => {
  assert.deepEqual(decodeSourceGap(encodeSourceGap(GAP)), GAP);
  assert.deepEqual(decodeSourceGap(JSON.stringify({ ...GAP, later: 1 })), GAP);
});

test('what is not a gap is unreadable', () => {
  for (const text of [
    '',
    '{}',
    'null',
    JSON.stringify({ ...GAP, reason: 'boredom' }),
    JSON.stringify({ ...GAP, from: -1 }),
    // It is not a valid date.
    JSON.stringify({ ...GAP, to: Number.MAX_SAFE_INTEGER }),
  ]) {
    assert.equal(decodeSourceGap(text), null, text);
  }
});

test('the id of a gap is one that the log takes, and that two replicas make', () => {
  assert.match(sourceGapId(GAP), /^[A-Za-z0-9._:-]{1,128}$/);
  assert.equal(sourceGapId(GAP), sourceGapId({ ...GAP, to: GAP.to + 5, legs_ended: 0 }));
});

test('no producer can forge a gap by ingest: its name is never forwarded', () => {
  assert.equal(judgeName(SOURCE_GAP), 'drop');
});

test('an entry is a gap by its name and its missing account, and by nothing else', () => {
  const meta = { name: SOURCE_GAP, account: '', callId: GAP.source, eventId: 'e', ingestedAt: '1', traceparent: '' };
  for (const line of [encodeMeta(meta), '1\tsource.gap\t\t', '1\tsource.gap\t', '1\tsource.gap']) {
    assert.ok(isSourceGap(line), line);
  }
  for (const line of [
    '',
    '1\t',
    encodeMeta({ ...meta, account: 'acme' }),
    encodeMeta({ ...meta, name: 'source.gaps' }),
    encodeMeta({ ...meta, name: 'CHANNEL_ANSWER' }),
    encodeMeta({ ...meta, name: 'Xsource.gap' }),
    encodeMeta({ ...meta, name: 'source', account: 'gap' }),
    '2\tsource.gap\t\t',
  ]) {
    assert.equal(isSourceGap(line), false, line);
  }
});
