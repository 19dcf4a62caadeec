import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LOGIN_PATH, REVOCATIONS_PATH, STREAM_PATH } from '../../protocol/paths.ts';
import { Started } from '../../testing/started.ts';

const COMMAND = fileURLToPath(new URL('../../cli/firehose.ts', import.meta.url));
const ADMIN = JSON.stringify({ username: 'admin', password: 'adminpassword', domain: 'admin' });

/** The program as a person starts it: flags, output, signals, exit codes. */
describe('firehose gateway, as a process', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firehose-process-'));
  });
  after(() => rm(folder, { recursive: true }));

  function start(args: readonly string[], environment: Record<string, string> = {}): Started {
    const defaults = { FIREHOSE_STATE: join(folder, 'state'), FIREHOSE_HOST: '127.0.0.1', LOG_LEVEL: 'trace' };
    const ports = { FIREHOSE_PORT: '0', FIREHOSE_INNER_PORT: '0' };
    const env = { PATH: process.env['PATH'], ...defaults, ...ports, ...environment };
    const child = spawn(process.execPath, [COMMAND, 'gateway', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    return new Started(child);
  }

  test('every fault of the configuration is said at once, with exit code 2', async () => {
    const config = join(folder, 'faulty');
    await rm(config, { recursive: true, force: true });
    const gateway = start(['--port', '70000', '--config', config], { REDIS_URL: 'http://nowhere', LOG_LEVEL: 'loud' });
    assert.equal(await gateway.exitCode, 2);
    for (const fault of ['FIREHOSE_PORT', 'REDIS_URL', 'LOG_LEVEL', 'subscription.yaml: cannot be read']) {
      assert.ok(gateway.output.includes(fault), `${fault} is not in ${gateway.output}`);
    }
  });

  test('every fault of the subscription is said at once, by the path of its field', async () => {
    await writeFile(
      join(folder, 'subscription.yaml'),
      'apiVersion: firehose.dev/v1alpha1\nkind: FirehoseSubscription\nmetadata: { name: X }\nspec: { account: { id: "a b" }, stream: { partitions: 65 }, colour: red }\n',
    );
    const gateway = start([], { FIREHOSE_CONFIG: folder });
    assert.equal(await gateway.exitCode, 2);
    for (const fault of ['metadata.name', 'spec.account.id', 'spec.stream.partitions', 'colour']) {
      assert.ok(gateway.output.includes(fault), `${fault} is not in ${gateway.output}`);
    }
  });

  test('numbers are plain digits within their range, and the range is said', async () => {
    const odd = {
      FIREHOSE_PORT: ' ',
      FIREHOSE_INNER_PORT: '0x10',
      FIREHOSE_LOG_BYTES: '1',
      FIREHOSE_SIMULATOR_RATE: '-1',
    };
    const gateway = start([], odd);
    assert.equal(await gateway.exitCode, 2);
    for (const said of ['0 (any free one) to 65535', '1048576', 'from 0 to 10000']) {
      assert.ok(gateway.output.includes(said), `${said} is not in ${gateway.output}`);
    }
  });

  test('an address that this machine does not have is named, with exit code 2', async () => {
    for (const host of ['192.0.2.1', '300.1.1.1']) {
      const gateway = start([], { FIREHOSE_HOST: host });
      assert.equal(await gateway.exitCode, 2);
      assert.match(gateway.output, new RegExp(`${host} is not an address of this machine: set FIREHOSE_HOST`));
    }
  });

  test('SIGTERM to npm reaches the gateway: nothing is left behind', async () => {
    const env = {
      PATH: process.env['PATH'],
      FIREHOSE_STATE: join(folder, 'npm'),
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
    };
    const npm = new Started(spawn('npm', ['start'], { env, stdio: ['ignore', 'pipe', 'pipe'] }));
    await npm.listening();
    npm.kill('SIGTERM');
    await npm.says(/draining/);
    await npm.exitCode;
  });

  test('a taken port is one clear error with exit code 3', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const gateway = start(['--port', String(port)]);
    assert.equal(await gateway.exitCode, 3);
    assert.ok(gateway.output.includes(`127.0.0.1:${port} is taken`), gateway.output);
    holder.close();
  });

  test('the example directory, whose passwords are public, is not served with a Redis unless that is asked for', async () => {
    const quickstart = fileURLToPath(new URL('../quickstart', import.meta.url));
    for (const config of [
      [],
      ['--config', quickstart],
      ['--config', `${quickstart}/`],
      ['--example-directory', 'false'],
    ]) {
      const gateway = start(config, { REDIS_URL: 'redis://:secret-canary@127.0.0.1:1' });
      assert.equal(await gateway.exitCode, 2);
      assert.match(gateway.output, /the example directory is refused with a Redis.*--config.*--example-directory/);
      assert.ok(!gateway.output.includes('secret-canary'));
    }
    const asked = start([], { REDIS_URL: 'redis://127.0.0.1:1', FIREHOSE_EXAMPLE_DIRECTORY: 'true' });
    await asked.listening();
    asked.kill('SIGINT');
    assert.equal(await asked.exitCode, 0);
  });

  test('an unreachable Redis is said once, the gateway goes on trying and is not ready', async () => {
    const gateway = start(['--example-directory'], { REDIS_URL: 'redis://:secret-canary@127.0.0.1:1' });
    const { innerPort } = await gateway.listening();
    await gateway.says(/the event log is unavailable/);
    const ready = await fetch(`http://127.0.0.1:${innerPort}/readyz`);
    assert.equal(ready.status, 503);
    assert.equal((await fetch(`http://127.0.0.1:${innerPort}/livez`)).status, 200);
    gateway.kill('SIGTERM');
    assert.equal(await gateway.exitCode, 0);
    assert.ok(!gateway.output.includes('secret-canary'));
  });

  test('SIGTERM drains with 1012 and exit code 0; a second one leaves at once', async () => {
    const gateway = start([], { FIREHOSE_CONFIG: await plainHttp(), FIREHOSE_SIMULATOR_RATE: '0' });
    const { port } = await gateway.listening();
    const sockets = await Promise.all(Array.from({ length: 4 }, () => connect(port)));
    const closes = sockets.map(
      (socket) => new Promise<number>((resolve) => (socket.onclose = ({ code }) => resolve(code))),
    );
    gateway.kill('SIGTERM');
    assert.equal(await Promise.race(closes), 1012);
    gateway.kill('SIGTERM');
    assert.equal(await gateway.exitCode, 0);
    await Promise.all(closes);
  });

  test('SIGTERM before it is ready ends it, at whatever moment of the start', async () => {
    const config = await plainHttp();
    // The moment at which the handler is installed is unknown: before it the signal itself ends the process.
    for (const says of [null, /"msg"/, /listening/]) {
      const gateway = start([], { FIREHOSE_CONFIG: config, REDIS_URL: 'redis://127.0.0.1:1' });
      if (says !== null) await gateway.says(says);
      gateway.kill('SIGTERM');
      const code = await gateway.exitCode;
      assert.ok(code === 0 || code === null, `ended with ${code}: ${gateway.output}`);
    }
  });

  test('SIGTERM amid a login and a handshake: both are answered or cut, and it ends', async () => {
    const gateway = start([], { FIREHOSE_CONFIG: await plainHttp(), FIREHOSE_SIMULATOR_RATE: '0' });
    const { port } = await gateway.listening();
    const token = await login(port);
    const logins = Array.from({ length: 5 }, () => login(port).then(Boolean, () => false));
    const handshake = createConnection(port, '127.0.0.1');
    const cut = once(handshake, 'close');
    handshake.on('error', () => undefined).resume();
    await once(handshake, 'connect');
    handshake.write(`GET ${STREAM_PATH}?token=${token} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n`);
    gateway.kill('SIGTERM');
    await gateway.says(/draining/);
    assert.equal(await gateway.exitCode, 0);
    await cut;
    await Promise.all(logins);
  });

  test('ctrl-C closes with 1001 and without a window', async () => {
    const gateway = start([], { FIREHOSE_CONFIG: await plainHttp(), FIREHOSE_SIMULATOR_RATE: '0' });
    const { port } = await gateway.listening();
    const socket = await connect(port);
    const closed = new Promise<number>((resolve) => (socket.onclose = ({ code }) => resolve(code)));
    gateway.kill('SIGINT');
    assert.equal(await closed, 1001);
    assert.equal(await gateway.exitCode, 0);
  });

  test('no token, password or event shows in any output at the finest level', async () => {
    const gateway = start([], { FIREHOSE_CONFIG: await plainHttp(), FIREHOSE_SIMULATOR_RATE: '20' });
    const { port, innerPort } = await gateway.listening();
    const token = await login(port);
    const socket = await connect(port, token);
    const event = await new Promise<string>((resolve) => (socket.onmessage = ({ data }) => resolve(String(data))));
    await fetch(`http://127.0.0.1:${port}${STREAM_PATH}?token=${token}`);
    await fetch(`http://127.0.0.1:${port}/nowhere?token=${token}`);
    await fetch(`http://127.0.0.1:${port}${LOGIN_PATH}`, {
      method: 'POST',
      body: ADMIN.replace('"admin"', '"nobody"'),
    });
    const adminToken = (await readFile(join(folder, 'state', 'admin-token'), 'utf8')).trim();
    const answers: string[] = [];
    for (const authorization of [`Bearer ${adminToken}`, `Bearer ${adminToken}x`]) {
      for (const body of [{ token }, { token: `${token}x` }, { [token]: token }, { token, jti: token }, token]) {
        const request = { method: 'POST', body: JSON.stringify(body), headers: { authorization } };
        answers.push(await (await fetch(`http://127.0.0.1:${innerPort}${REVOCATIONS_PATH}`, request)).text());
      }
    }
    const metrics = await (await fetch(`http://127.0.0.1:${innerPort}/metrics`)).text();
    gateway.kill('SIGINT');
    await gateway.exitCode;
    const callId = (JSON.parse(event) as { 'Call-ID': string })['Call-ID'];
    for (const secret of [token, token.split('.')[2] ?? token, 'adminpassword"', '$argon2id', callId, adminToken]) {
      assert.ok(!gateway.output.includes(secret), `${secret} was printed`);
      assert.ok(!answers.join('').includes(secret), `${secret} came back`);
      assert.ok(!metrics.includes(secret), `${secret} is in the metrics`);
    }
  });

  async function plainHttp(): Promise<string> {
    const config = await mkdtemp(join(folder, 'plain-'));
    const quickstart = new URL('../quickstart/', import.meta.url);
    const subscription = await readFile(new URL('subscription.yaml', quickstart), 'utf8');
    await writeFile(join(config, 'subscription.yaml'), `${subscription}  gateway: { tls: { disabled: true } }\n`);
    await writeFile(join(config, 'directory.yaml'), await readFile(new URL('directory.yaml', quickstart)));
    return config;
  }
});

async function login(port: number): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}${LOGIN_PATH}`, { method: 'POST', body: ADMIN });
  return ((await answer.json()) as { access_token: string }).access_token;
}

async function connect(port: number, token?: string): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}${STREAM_PATH}?token=${token ?? (await login(port))}`);
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error('the socket did not open'));
  });
  return socket;
}
