import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { startGateway } from '../testing/running-gateway.ts';
import { until } from '../../testing/until.ts';

test(
  'a faulty directory file is counted and told by readiness, and the replica stays ready',
  { timeout: 60_000 },
  async () => {
    await using running = await startGateway({});
    const inner = `http://127.0.0.1:${running.gateway.innerPort}`;
    const faults = async () =>
      /^firehose_directory_faults(?:\{[^}]*\})? (\d+)$/m.exec(await (await fetch(`${inner}/metrics`)).text())?.[1];
    const readiness = async () => {
      const answer = await fetch(`${inner}/readyz`);
      return { status: answer.status, body: (await answer.json()) as { checks: { directory: { detail: string } } } };
    };
    assert.equal(await faults(), '0');
    assert.match((await readiness()).body.checks.directory.detail, /^in force since [0-9TZ:.-]+$/);
    await writeFile(running.directoryFile, 'accounts: [{ id: a }, { id: b }]');
    await until('a directory with faults', faults, { holds: (seen) => seen === '4' });
    const { status, body } = await readiness();
    assert.equal(status, 200);
    assert.match(body.checks.directory.detail, /; the file has 4 faults since then, see the log$/);
    assert.equal((await running.login({ username: 'admin', password: 'adminpassword', domain: 'admin' })).status, 200);
  },
);
