import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { freePort } from './free-port.ts';

test('a server can listen on it', async () => {
  const port = await freePort();
  assert.ok(port >= 10_000 && port < 30_000);
  await using server = createServer().listen(port, '127.0.0.1');
  await once(server, 'listening');
});

test('no other process gets it while this one lives, and one does once it was killed', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'firehose-claims-'));
  t.after(() => rm(folder, { recursive: true }));
  const env = { ...process.env, TMPDIR: folder };
  /** A process that gets this many of four ports. */
  const getting = (count: number, more = '') => [
    '--input-type=module',
    '-e',
    `import { freePort } from ${JSON.stringify(import.meta.resolve('./free-port.ts'))};
    const options = { isFree: () => Promise.resolve(true), range: [20_000, 20_003] };
    const ports = [];
    for (let count = 0; count < ${count}; count += 1) ports.push(await freePort(options));
    console.log(ports.join());
    ${more}`,
  ];
  const gets = (count: number) => spawnSync(process.execPath, getting(count), { env, encoding: 'utf8' }).stdout.trim();
  const living = spawn(process.execPath, getting(3, 'setInterval(() => undefined, 1_000);'), {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(living, 'exit');
  const [three] = (await once(createInterface(living.stdout), 'line')) as [string];
  const fourth = gets(1);
  assert.equal(new Set([...three.split(','), fourth]).size, 4);
  assert.equal(gets(1), fourth, 'a process that ends by itself leaves no claim');
  living.kill('SIGKILL');
  await ended;
  assert.equal(new Set(gets(4).split(',')).size, 4);
});
