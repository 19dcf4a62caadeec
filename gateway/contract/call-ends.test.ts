import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { until } from '../../testing/until.ts';
import { startGateway } from '../testing/running-gateway.ts';
import { callEndsSuite } from './call-ends.suite.ts';

callEndsSuite('the embedded log', (calls = {}) => startGateway({ plain: true, calls: { enabled: true, ...calls } }));

test('the list of docs/live-calls.md is taken as it stands there', async () => {
  const page = await readFile(new URL('../../docs/live-calls.md', import.meta.url), 'utf8');
  const [, body = ''] = /```json\n(.*?)```/s.exec(page) ?? [];
  await using running = await startGateway({ plain: true, calls: { enabled: true } });
  const answer = await until('a table', () => running.reconcile(body), { holds: ({ status }) => status === 200 });
  assert.deepEqual(answer.body, { ended: 0, unknown: 1 });
});

test('without a table a list of a switch is told so', async () => {
  await using running = await startGateway({ plain: true });
  const answer = await running.reconcile({ switch: 'freeswitch@fs1', live: [] });
  assert.deepEqual([answer.status, answer.body['code']], [404, 'calls_disabled']);
});
