import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LOGIN_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { Documented } from './documented.ts';

const frame = (keys: object) => JSON.stringify({ _firehose: keys });
const refusal = (status: number, code: string) => ({
  status,
  body: { type: 'about:blank', title: 'T', status, code, detail: 'd' },
});

test('R3: a frame that no schema has, or whose keys are others, is a fault', () => {
  const documented = new Documented();
  documented.message(frame({ type: 'watermark', cursor: 'c', time: '2026-01-01T00:00:00.000Z' }), 1);
  documented.message('{"Event-Name":"DTMF"}', 2);
  assert.deepEqual(documented.faults, []);
  documented.message(frame({ type: 'of_nobody' }), 3);
  documented.message(frame({ type: 'watermark', cursor: 'c', time: '2026-01-01T00:00:00.000Z', more: 1 }), 4);
  documented.message('{"Event-Name":"DTMF","_firehose":{"id":"i"}}', 5);
  assert.equal(documented.faults.length, 3);
});

test('R1: a status, a problem code or a close reason that no document has is a fault', () => {
  const documented = new Documented();
  documented.answer('POST', LOGIN_PATH, refusal(401, 'wrong_credentials'));
  documented.answer('GET', STREAM_PATH, refusal(410, 'cursor_too_old'));
  documented.answer('POST', LOGIN_PATH, { status: 200, body: {} });
  documented.close(4503, '{"e":"revoked"}');
  documented.close(1006, '');
  assert.deepEqual(documented.faults, []);
  documented.answer('POST', LOGIN_PATH, refusal(402, 'wrong_credentials'));
  documented.answer('POST', LOGIN_PATH, refusal(401, 'of_nobody'));
  documented.answer('POST', LOGIN_PATH, { status: 401, body: { code: 'wrong_credentials' } });
  documented.answer('GET', '/other', { status: 200, body: {} });
  documented.close(4503, '{"e":"of_nobody"}');
  documented.close(4500, '{"e":"revoked"}');
  assert.equal(documented.faults.length, 6);
});
