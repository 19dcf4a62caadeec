import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeMeta, encodeMeta, unescapeValue } from './entry.ts';

const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('\t', '\n', '\\', 't', 'n', 'a') }));
const meta = fc.record(
  {
    name: text.filter((name) => name !== ''),
    account: text,
    callId: text,
    eventId: text,
    ingestedAt: fc.stringMatching(/^\d{0,16}$/),
    traceparent: text,
  },
  { noNullPrototype: true },
);

test('a meta line gives back the values it was made from, whatever they hold', () => {
  fc.assert(
    fc.property(meta, (values) => {
      const line = encodeMeta(values);
      assert.ok(!line.includes('\n'));
      assert.equal(line.split('\t').length, 7);
      assert.deepEqual(decodeMeta(line), values);
    }),
  );
});

test('any line at all is decoded or refused, never an exception', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        fc.array(text).map((values) => ['1', ...values].join('\t')),
      ),
      (line) => {
        const decoded = decodeMeta(line);
        assert.ok(decoded === null || decoded.name !== '');
      },
    ),
  );
});

test('a line written by hand may end after the account', () => {
  assert.deepEqual(decodeMeta('1\tCHANNEL_ANSWER\tacme'), {
    name: 'CHANNEL_ANSWER',
    account: 'acme',
    callId: '',
    eventId: '',
    ingestedAt: '',
    traceparent: '',
  });
});

test('a line of another format or without a name is poison', () => {
  for (const line of ['', '2\tA\tb', '1', '1\t', '1\t\tacme'])
    assert.equal(decodeMeta(line), null, JSON.stringify(line));
});

test('what is missing or is no time is unknown, and hides nothing of the rest', () => {
  assert.equal(decodeMeta('1\tDTMF')?.account, '');
  for (const time of ['noon', '-5', '18446744073709551615']) {
    const meta = decodeMeta(`1\tDTMF\tacme\tc\te\t${time}\tt\tmore`);
    assert.deepEqual([meta?.account, meta?.ingestedAt, meta?.traceparent], ['acme', '', 't']);
  }
});

test('an escape that means nothing stands for the character behind it', () => {
  assert.equal(unescapeValue('a\\tb\\nc\\\\d\\x\\'), 'a\tb\nc\\dx');
});
