import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Router } from 'express';
import { createInnerApp, type ReadinessCheck } from './inner-app.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { openInnerListener } from '../../runtime/http/inner-listener.ts';

test('alive always, ready when every check holds, and each failing check says why', async () => {
  let log: ReadinessCheck = { ok: true, detail: 'reached' };
  const ingest = Router().post('/events', (_request, response) => {
    response.status(202).end();
  });
  const app = createInnerApp({
    directory: null,
    reconcile: null,
    checks: () => ({ log }),
    metrics: (_request, response) => {
      response.send('metrics');
    },
    ingest,
    administration: Router(),
    console: null,
    unexpected: (error) => assert.fail(String(error)),
  });
  await using listener = await openInnerListener({ host: '127.0.0.1', port: 0, app, logger: silentLogger });
  const url = `http://127.0.0.1:${listener.port}`;
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  log = { ok: false, detail: 'out of reach' };
  const answer = await fetch(`${url}/readyz`);
  assert.equal(answer.status, 503);
  assert.deepEqual(await answer.json(), { ready: false, checks: { log } });
  assert.equal((await fetch(`${url}/livez`)).status, 200);
  assert.equal(await (await fetch(`${url}/metrics`)).text(), 'metrics');
  assert.equal((await fetch(`${url}/events`, { method: 'POST' })).status, 202);
  assert.equal((await fetch(`${url}/nothing`)).status, 404);
});
