import assert from 'node:assert/strict';
import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { startSimulator } from '../../source/simulator/start-simulator.ts';
import { buildGateway, type Gateway } from '../build.ts';
import { readConfig } from '../config.ts';

/** The README's snippets, as they stand there, against a running gateway. */
describe('the README', () => {
  let gateway: Gateway;
  let folder: string;
  let readme: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firehose-readme-'));
    await mkdir(join(folder, '.firehose'));
    readme = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
    const config = await readConfig({
      FIREHOSE_STATE: join(folder, '.firehose'),
      FIREHOSE_PORT: '0',
      FIREHOSE_INNER_PORT: '0',
      FIREHOSE_SIMULATOR_RATE: '50',
    });
    gateway = await buildGateway(config, silentLogger, startSimulator);
  });

  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** Runs a command in the folder until it has printed what matches. */
  async function prints(
    command: string,
    args: readonly string[],
    expected: RegExp,
    signal?: NodeJS.Signals,
  ): Promise<string> {
    const env = {
      ...process.env,
      FIREHOSE: `localhost:${gateway.port}`,
      NODE_EXTRA_CA_CERTS: '.firehose/ca.crt',
      SSL_CERT_FILE: '.firehose/ca.crt',
    };
    const child = spawn(command, args, { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const seen = new Promise<void>((resolve, reject) => {
      const look = (chunk: Buffer) => {
        output += chunk.toString();
        if (expected.test(output)) resolve();
      };
      child.stdout.on('data', look);
      child.stderr.on('data', look);
      child.once('error', reject);
      child.once('close', (code) => reject(new Error(`ended with ${code} before it printed an event:\n${output}`)));
    });
    await seen;
    if (child.exitCode !== null) return output;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
    return output;
  }

  function snippet(language: string, holding: string): string {
    for (const [, code = ''] of readme.matchAll(new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 'gs'))) {
      if (code.includes(holding)) return code;
    }
    return assert.fail(`no ${language} snippet with ${holding}`);
  }

  function has(command: string, ...args: string[]): boolean {
    return spawnSync(command, args, { stdio: 'ignore' }).status === 0;
  }

  test('curl logs in', async () => {
    const login = snippet('sh', 'websocat').split('SSL_CERT_FILE')[0] ?? '';
    await prints('sh', ['-c', `${login}\necho "token $TOKEN"`], /token eyJ/);
  });

  test('connections are listed, and tokens revoked by command and by curl', async () => {
    const login = snippet('sh', 'websocat').split('SSL_CERT_FILE')[0] ?? '';
    const run = (script: string, cwd: string) => {
      const env = {
        ...process.env,
        FIREHOSE: `localhost:${gateway.port}`,
        FIREHOSE_STATE: join(folder, '.firehose'),
        FIREHOSE_INNER_PORT: String(gateway.innerPort),
      };
      return promisify(execFile)('sh', ['-ec', script], { cwd, env });
    };
    const token = (await run(`${login}\necho "$TOKEN"`, folder)).stdout.trim();
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const { stdout } = await run(`TOKEN=${token}\n${snippet('sh', 'firehose -- connections')}`, root);
    assert.match(stdout, /^session\t.*\n(.*\n)*revoked user admin .*\nrevoked account account_id_1 .*\nrevoked token /);
    const answer = await run(snippet('sh', 'admin/revocations'), folder);
    assert.match(
      answer.stdout,
      /^\{"revoked":\{"user":\{.*"username":"admin"\}\},"at":".*","until":".*","closed":0\}$/,
    );
  });

  test('websocat streams', async (t) => {
    if (!has('websocat', '--version')) return t.skip('needs websocat');
    await prints('sh', ['-c', snippet('sh', 'websocat')], /CHANNEL_CREATE/);
  });

  test('JavaScript streams', async () => {
    await writeFile(join(folder, 'stream.mjs'), snippet('js', 'new WebSocket'));
    await prints(process.execPath, ['stream.mjs'], /CHANNEL_CREATE/);
  });

  test('the consumer that never loses an event goes on after it was killed where it had stopped', async () => {
    await writeFile(join(folder, 'consumer.mjs'), snippet('js', 'cursor.new'));
    await rm(join(folder, 'cursor'), { force: true });
    const ids: string[] = [];
    for (const _ of [1, 2, 3]) {
      // Cut off in the middle of whatever it does.
      const output = await prints(process.execPath, ['consumer.mjs'], /(\S+ [A-Z_]+\n){40}/, 'SIGKILL');
      ids.push(...output.split('\n').flatMap((line) => /^(\S+) [A-Z_]+$/.exec(line)?.[1] ?? []));
    }
    const seen = new Set(ids);
    // The one that was handled and not yet kept when it was killed.
    assert.ok(ids.length - seen.size <= 2);
    for (const ofCall of (await everything()).values()) {
      const places = ofCall.flatMap((id, place) => (seen.has(id) ? [place] : []));
      // No hole between the first and the last one that it saw of a call.
      assert.equal(places.length === 0 ? 0 : (places.at(-1) ?? 0) - (places[0] ?? 0) + 1, places.length);
    }
  });

  /** The ids of all events that the log holds, by call and in order, as a replay from the beginning gives them. */
  async function everything(): Promise<Map<string, string[]>> {
    const ids = new Map<string, string[]>();
    const ca = await readFile(join(folder, '.firehose', 'ca.crt'));
    const login = snippet('sh', 'websocat').split('SSL_CERT_FILE')[0] ?? '';
    const token = /eyJ\S+/.exec(await prints('sh', ['-c', `${login}\necho "token $TOKEN"`], /token eyJ\S+/))?.[0] ?? '';
    const url = `wss://localhost:${gateway.port}${STREAM_PATH}?token=${token}&meta=1&from=-1h&to=-0s`;
    const socket = new WebSocket(url, { ca });
    socket.on('message', (data) => {
      const event = JSON.parse((data as Buffer).toString()) as { 'Call-ID': string; _firehose: { id: string } };
      ids.set(event['Call-ID'], [...(ids.get(event['Call-ID']) ?? []), event._firehose.id]);
    });
    await once(socket, 'close');
    return ids;
  }

  test('Python streams', async (t) => {
    if (!has('python3', '-c', 'import websockets')) return t.skip('needs: pip install websockets');
    await writeFile(join(folder, 'stream.py'), snippet('python', 'websockets'));
    await prints('python3', ['stream.py'], /CHANNEL_CREATE/);
  });

  test('Java streams', async (t) => {
    if (!has('javac', '-version')) return t.skip('needs a JDK of 17 or newer');
    const trust = ['-importcert', '-noprompt', '-file', '.firehose/ca.crt', '-keystore', 'trust.p12'];
    spawnSync('keytool', [...trust, '-storepass', 'changeit'], { cwd: folder, stdio: 'ignore' });
    const options = ['-Djavax.net.ssl.trustStore=trust.p12', '-Djavax.net.ssl.trustStorePassword=changeit'];
    await writeFile(join(folder, 'Firehose.java'), snippet('java', 'WebSocket'));
    await prints('java', [...options, 'Firehose.java'], /CHANNEL_CREATE/);
  });

  test('Go streams', async (t) => {
    if (!has('go', 'version')) return t.skip('needs Go');
    await writeFile(join(folder, 'main.go'), snippet('go', 'websocket.Dial'));
    spawnSync('go', ['mod', 'init', 'firehose'], { cwd: folder, stdio: 'ignore' });
    if (spawnSync('go', ['get', 'github.com/coder/websocket'], { cwd: folder, stdio: 'ignore' }).status !== 0) {
      return t.skip('needs the Go module github.com/coder/websocket');
    }
    spawnSync('go', ['build', '-o', 'stream', '.'], { cwd: folder, stdio: 'ignore' });
    await prints(join(folder, 'stream'), [], /CHANNEL_CREATE/);
  });
});
