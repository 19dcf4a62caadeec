import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Started } from '../../testing/started.ts';
import { until } from '../../testing/until.ts';

const CLI = fileURLToPath(new URL('../../cli/firehose.ts', import.meta.url));
const DESCRIPTORS = 300;

test(
  'health answers while strangers open more connections than there are descriptors',
  { timeout: 60_000 },
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'firehose-descriptors-'));
    const env = {
      PATH: process.env['PATH'],
      FIREHOSE_STATE: folder,
      FIREHOSE_HOST: '127.0.0.1',
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
      FIREHOSE_SIMULATOR_RATE: '0',
    };
    const limited = `ulimit -n ${DESCRIPTORS} && exec "$0" "$1" gateway`;
    const child = spawn('sh', ['-c', limited, process.execPath, CLI], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    const gateway = new Started(child);
    try {
      const { port, innerPort } = await gateway.listening();
      assert.match(gateway.output, /the limit on open files allows fewer connections than maxPerReplica/);
      const strangers = Array.from({ length: 2 * DESCRIPTORS }, () =>
        connect(port, '127.0.0.1').on('error', () => undefined),
      );
      const inner = `http://127.0.0.1:${innerPort}`;
      // Each on a connection of its own, like a kubelet's probe.
      const ask = (path: string) => fetch(inner + path, { headers: { Connection: 'close' } });
      await until('new connections are cut off', async () =>
        /firehose_connections_dropped_total{limit="replica"} [1-9]/.test(await (await ask('/metrics')).text()),
      );
      for (let probe = 0; probe < 20; probe += 1) assert.equal((await ask('/livez')).status, 200);
      for (const stranger of strangers) stranger.destroy();
    } finally {
      gateway.kill('SIGKILL');
      await gateway.exitCode;
      await rm(folder, { recursive: true });
    }
  },
);
