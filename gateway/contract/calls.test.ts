import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refused, startGateway } from '../testing/running-gateway.ts';
import { callsSuite, getCalls } from './calls.suite.ts';

callsSuite('the embedded log', () => startGateway({ plain: true, calls: { enabled: true } }));

test('without spec.calls nothing is kept, and who asks is told so', async () => {
  await using running = await startGateway({ plain: true });
  const token = await running.token();
  await assert.rejects(
    running.connect(`?token=${token}&v=1&snapshot=calls`),
    (error) => error instanceof Refused && error.status === 400 && error.code === 'calls_disabled',
  );
  const answer = await getCalls(running, token);
  assert.deepEqual([answer.status, (JSON.parse(answer.text) as { code: string }).code], [404, 'calls_disabled']);
});
