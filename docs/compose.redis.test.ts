import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { parse } from 'yaml';
import { z } from 'zod';
import { GATEWAY_SETTINGS } from '../gateway/settings.ts';
import { ADMIN, Client, post } from '../gateway/testing/running-gateway.ts';
import { STREAM_PATH } from '../protocol/paths.ts';
import { startRedis } from '../testing/redis-server.ts';
import { Started } from '../testing/started.ts';
import { readRepositoryFile, ROOT } from './repository.ts';

const service = z.object({ image: z.string(), command: z.array(z.string()) });
const composition = z.strictObject({
  name: z.string(),
  services: z.strictObject({
    redis: service.extend({ volumes: z.array(z.string()) }),
    gateway: service.extend({ environment: z.record(z.string(), z.string()), volumes: z.array(z.string()) }),
  }),
  volumes: z.record(z.string(), z.null()),
});

// Where Docker can run, it reads the file itself. Here its commands run as processes, with its settings.
test('the services of compose.yaml work together: a user logs in and gets events', async () => {
  const { services, volumes } = composition.parse(parse(readRepositoryFile('docs/compose.yaml')));
  const { redis, gateway } = services;
  const named = new Set([...redis.volumes, ...gateway.volumes].map((volume) => volume.split(':')[0]));
  assert.deepEqual(named, new Set(Object.keys(volumes)));
  for (const name of Object.keys(gateway.environment)) assert.ok(name in GATEWAY_SETTINGS, name);
  assert.ok(gateway.environment['FIREHOSE_STATE']?.startsWith(`${gateway.volumes[0]?.split(':')[1]}/`));

  await using server = await startRedis({ args: redis.command.slice(1) });
  const state = await mkdtemp(join(tmpdir(), 'firehose-compose-'));
  const env = {
    PATH: process.env['PATH'],
    ...gateway.environment,
    // Differences on one machine: the name that Docker resolves, the place of the volume, free ports.
    REDIS_URL: gateway.environment['REDIS_URL']?.replace('redis:6379', `127.0.0.1:${server.port}`),
    FIREHOSE_STATE: state,
    FIREHOSE_PORT: '0',
    FIREHOSE_INNER_PORT: '0',
  };
  const program = [...entryPoint(), ...gateway.command];
  const child = spawn(process.execPath, program, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const started = new Started(child);
  try {
    const { port } = await started.listening();
    const ca = await readFile(join(state, 'ca.crt'), 'utf8');
    const { status, body } = await post(port, ca, JSON.stringify(ADMIN));
    assert.equal(status, 200, JSON.stringify(body));
    const token = z.string().parse(body['access_token']);
    const client = new Client(new WebSocket(`wss://127.0.0.1:${port}${STREAM_PATH}?token=${token}`, { ca }));
    const [event = ''] = await client.received(1);
    assert.match(event, /"Event-Name":"\w+"/);
    client.close();
  } finally {
    started.kill('SIGTERM');
    await started.exitCode;
    await rm(state, { recursive: true });
  }
});

/** The image's arguments of Node.js, with the paths of this checkout. */
function entryPoint(): readonly string[] {
  const [, text = ''] = /^ENTRYPOINT (\[.*\])$/m.exec(readRepositoryFile('Dockerfile')) ?? [];
  const [, ...args] = z.array(z.string()).parse(JSON.parse(text));
  return args.map((arg) => arg.replace(/^\/app\//, ROOT));
}
