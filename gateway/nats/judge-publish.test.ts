import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inWords, judgePublish, type Published } from './judge-publish.ts';

const failure = (code: string, text = ''): Published => ({ kind: 'failure', code, text });
const STORED = { kind: 'stored', stream: 'CALLS', sequence: 7, isDuplicate: false } as const;

test('what the stream has, also from a former attempt, is acknowledged', () => {
  for (const isDuplicate of [false, true])
    assert.deepEqual(judgePublish({ ...STORED, isDuplicate }), { kind: 'acknowledged' });
});

test('a message that is too large is at fault itself', () => {
  for (const code of ['MAX_PAYLOAD', 'JS_10054', 'JS_10097'])
    assert.deepEqual(judgePublish(failure(code)), { kind: 'event' });
});

test('J2: everything else is a fault of the endpoint, also what no version knows', () => {
  const codes = [
    'TIMEOUT',
    'CONNECTION_CLOSED',
    'AUTHORIZATION_VIOLATION',
    'PERMISSIONS_VIOLATION',
    'NO_STREAM',
    'ECONNREFUSED',
    'ENOTFOUND',
    'CERT_HAS_EXPIRED',
    'ADDRESS_REFUSED',
    'UNKNOWN',
    'JS_10060',
    'JS_10077',
    'JS_10047',
    'JS_10039',
    'JS_99999',
  ];
  for (const code of codes)
    assert.deepEqual(judgePublish(failure(code)), { kind: 'endpoint', retryAfterMs: null }, code);
});

test('an outcome in words names the stream, or the code with what the server said', () => {
  assert.equal(inWords(STORED), 'CALLS 7');
  assert.equal(inWords({ ...STORED, isDuplicate: true }), 'CALLS 7 (duplicate)');
  assert.equal(inWords(failure('NO_STREAM')), 'NATS: NO_STREAM');
  assert.equal(inWords(failure('JS_10077', 'maximum bytes exceeded')), 'NATS: JS_10077: maximum bytes exceeded');
});
