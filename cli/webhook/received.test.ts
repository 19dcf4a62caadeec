import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { parseSecret, signatureOf } from '../../gateway/webhook/sign.ts';
import { createPaint } from '../tail/paint.ts';
import { asJson, asRow, faultOf, type ReceivedRequest } from './received.ts';

const parsed = parseSecret(`whsec_${randomBytes(32).toString('base64')}`);
assert.ok('key' in parsed);
const KEYS = [parsed.key];
const NOW = Date.parse('2026-01-02T03:04:05Z');
const paint = createPaint(false);

function request(body: string, more: Readonly<Record<string, string>> = {}): ReceivedRequest {
  const [id, timestamp] = ['evt-1', Math.floor(NOW / 1_000)];
  const signature = signatureOf({ id, timestamp, body: Buffer.from(body) }, KEYS);
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': signature, ...more };
  return { method: 'POST', path: '/', headers, body: Buffer.from(body) };
}
const EVENT = {
  type: 'call.channel_answer',
  timestamp: '2026-01-02T03:04:05.678Z',
  data: { 'Event-Name': 'CHANNEL_ANSWER', 'Call-ID': 'c1' },
  firehose: { id: 'evt-1', account_id: 'acme' },
};

test('what is signed with the secret verifies, also beside another signature; all else says why not', () => {
  const good = request('{}');
  assert.equal(faultOf(good, KEYS, NOW), null);
  const two = `v1,${randomBytes(32).toString('base64')} ${good.headers['webhook-signature']}`;
  assert.equal(faultOf(request('{}', { 'webhook-signature': two }), KEYS, NOW), null);
  const faults: [ReceivedRequest, RegExp][] = [
    [{ ...good, method: 'GET' }, /not POST/],
    [{ ...good, headers: {} }, /missing/],
    [{ ...good, body: Buffer.from('{ }') }, /no signature/],
    [request('{}', { 'webhook-timestamp': 'now' }), /not a time/],
    [request('{}', { 'webhook-signature': 'v1,' }), /no signature/],
  ];
  for (const [one, expected] of faults) assert.match(faultOf(one, KEYS, NOW) ?? '', expected);
  assert.match(faultOf(good, KEYS, NOW + 301_000) ?? '', /301 s away/);
});

test('an event is shown as the tail shows it, in each envelope and in a batch', () => {
  const row = asRow(request(JSON.stringify(EVENT), { 'firehose-attempt': '2' }), paint);
  assert.match(row, /^#2 {4}03:04:05\.678 {2}CHANNEL_ANSWER +acme +c1\n$/);
  assert.match(asRow(request(JSON.stringify(EVENT.data)), paint), /^#- +CHANNEL_ANSWER +- +c1\n$/);
  const cloud = { specversion: '1.0', type: 'dev.firehose.call.channel_answer', accountid: 'acme', data: EVENT.data };
  assert.match(asRow(request(JSON.stringify(cloud), { 'firehose-replay': '1' }), paint), /^#-r .*acme +c1\n$/);
  assert.equal(asRow(request(JSON.stringify([EVENT, EVENT])), paint).split('\n').length, 3);
  assert.match(asRow(request('{"type":"firehose.test","data":{}}'), paint), /firehose\.test/);
  assert.match(asRow(request('\u001b[2J'), paint), /not an event/);
});

test('for programs it is one object a line, with the fault', () => {
  const object = JSON.parse(asJson(request('{"a":1}', { 'firehose-replay': '1' }), 'why')) as object;
  assert.partialDeepStrictEqual(object, { id: 'evt-1', replay: true, fault: 'why', body: { a: 1 } });
  assert.partialDeepStrictEqual(JSON.parse(asJson(request('text'), null)), {
    fault: null,
    body: 'text',
    replay: false,
  });
});
