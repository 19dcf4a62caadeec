import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { createServer as createListener, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { WebSocket as WsClient } from 'ws';
import { STREAM_PATH } from '../../protocol/paths.ts';
import { pythonWith } from '../../testing/registry-packages.ts';
import { until } from '../../testing/until.ts';
import { startGateway, type RunningGateway } from '../testing/running-gateway.ts';

const PROGRAMS = new URL('../testing/deflate-clients/', import.meta.url);
const EVENTS = Number(process.env['COMPRESSED_EVENTS'] ?? 100_000);
const BATCH = 50;
const LIMIT = { timeout: 1_500_000 };
const PYTHON_PACKAGES = ['websockets==17.4', 'aiohttp==3.14.5'];
/** Enough connections of one view for a shared stream. */
const CROWD = 8;
/** Events between two steps of a client: see the README of the programs. */
const STEP = String(EVENTS / 20);

const line = (n: number, isLast: boolean) =>
  JSON.stringify({
    'Event-Name': 'CHANNEL_ANSWER',
    'Call-ID': 'one-call',
    'Account-ID': 'account_id_1',
    'Caller-ID-Number': `+1555${(n * 7_919) % 10_000_000}`,
    'Custom-Channel-Vars': {
      'Authorizing-ID': createHash('md5').update(String(n)).digest('hex'),
      Realm: 'a.example.com',
    },
    text: 'ü'.repeat(n % 90),
    n,
    ...(isLast && { last: true }),
  });

/** A client in another language; it prints `<first> <count> <digest>`. */
interface Printed {
  readonly name: string;
  readonly line: Promise<string>;
}

const has = (name: string) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;

describe('D1: the exact bytes, in every client that this machine has', LIMIT, () => {
  let running: RunningGateway;
  let token: string;
  let folder: string;
  const printed: Printed[] = [];
  const stack = new AsyncDisposableStack();
  let isGoBuilt = false;
  let isRustBuilt = false;
  /** Null on a machine that has no packages and cannot install any: a sandbox has no way out. */
  let python: string | null = null;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firehose-clients-'));
    stack.defer(() => rm(folder, { recursive: true }));
    await cp(PROGRAMS, folder, { recursive: true });
    await symlink(fileURLToPath(new URL('../../node_modules', import.meta.url)), join(folder, 'node_modules'));
    // Before the gateway starts: it runs in this process, which is blocked while it waits for a compiler.
    const builds = (command: string) =>
      spawnSync('sh', ['-c', command], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] }).status === 0;
    isGoBuilt = has('go') && builds(GO_BUILD);
    isRustBuilt = has('cargo') && builds(RUST_BUILD);
    python = await pythonWith(PYTHON_PACKAGES, process.env).catch((error: unknown) => {
      console.warn(`D1 without Python: ${String(error).split('\n', 1).join('')}`);
      return null;
    });
    running = stack.use(await startGateway({ plain: true }));
    token = await running.token();
  });
  after(() => stack.disposeAsync());

  const urlAt = (port: number, contract: Contract = '') =>
    `ws://127.0.0.1:${port}${STREAM_PATH}?token=${token}${contract}`;

  function run(name: string, command: string, ...args: string[]): void {
    const child = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
    stack.defer(() => void child.kill());
    let output = '';
    child.stdout.on('data', (chunk) => (output += String(chunk)));
    printed.push({ name, line: once(child, 'close').then(() => output.trim()) });
  }

  async function freePort(): Promise<number> {
    const listener = createListener().listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const { port } = listener.address() as AddressInfo;
    listener.close();
    await once(listener, 'close');
    return port;
  }

  async function proxy(
    name: string,
    write: (port: number) => string,
    args: (file: string) => string[],
  ): Promise<number> {
    const port = await freePort();
    const file = join(folder, `${name}.conf`);
    await writeFile(file, write(port));
    const child = spawn(name, args(file), { stdio: 'inherit' });
    stack.defer(() => void child.kill());
    await until(`${name} listens`, async () => (await fetch(`http://127.0.0.1:${port}/`).catch(() => null)) !== null);
    return port;
  }

  /** The page reports its result to an HTTP server here. */
  async function browser(name: keyof typeof BROWSERS, { way, port, contract }: Way): Promise<void> {
    const page = await readFile(new URL('page.html', PROGRAMS));
    const told = Promise.withResolvers<string>();
    const server = createServer((request: IncomingMessage, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        if (request.method === 'POST') told.resolve(body);
        response.setHeader('Content-Type', 'text/html').end(page);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const parts = [urlAt(port, contract), at, STEP].map(encodeURIComponent).join('|');
    const profile = join(folder, `${name}${port}${contract}`);
    await mkdir(profile);
    const child = spawn(name, [...BROWSERS[name](profile), `${at}#${parts}`], { stdio: 'ignore' });
    stack.defer(() => {
      child.kill();
      server.closeAllConnections();
      server.close();
    });
    printed.push({ name: `${name}${way}`, line: told.promise });
  }

  async function startAll(): Promise<void> {
    const { port } = running.gateway;
    const contract = '&v=1';
    const ways: Way[] = [
      { way: '', port, contract: '' },
      { way: ' that walks', port, contract },
    ];
    if (has('nginx')) {
      const args = (file: string) => ['-c', file, '-p', folder];
      const own = await proxy('nginx', (at) => nginxConf(at, port), args);
      ways.push({ way: ' that walks, through nginx', port: own, contract });
    }
    if (has('haproxy')) {
      const args = (file: string) => ['-f', file, '-db'];
      const own = await proxy('haproxy', (at) => haproxyConf(at, port), args);
      ways.push({ way: ' that walks, through HAProxy', port: own, contract });
    }
    // The gateway runs in this process: nothing waits for a program once clients run.
    const browsers = (['chromium', 'firefox-esr'] as const).filter(has);
    const hasJava = has('javac');
    for (const one of ways) {
      const { way } = one;
      const to = [urlAt(one.port, one.contract), STEP];
      for (const kind of ['own', 'ws']) run(`Node ${kind}${way}`, process.execPath, 'node.mjs', kind, ...to);
      if (python !== null)
        for (const module of ['websockets', 'aiohttp'])
          run(`Python ${module}${way}`, python, `${module}_client.py`, ...to);
      for (const kind of isGoBuilt ? GO_KINDS : []) run(`Go ${kind}${way}`, './client', kind, ...to);
      if (isRustBuilt) run(`Rust tungstenite${way}`, 'target/release/client', ...to);
      if (hasJava) run(`Java${way}`, 'java', 'Client.java', ...to);
      for (const name of browsers) await browser(name, one);
    }
  }

  async function metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${running.gateway.innerPort}/metrics`)).text();
  }

  /** What clients that cannot inflate something would show: they end with 1002 or 1007. */
  async function ends(): Promise<string> {
    return (await metrics())
      .split('\n')
      .filter((row) => /^firehose_sessions_closed_total.* [1-9]/.test(row))
      .join(' ');
  }

  async function connections(): Promise<number> {
    const text = await metrics();
    return [...text.matchAll(/^firehose_connections{[^}]*} (\d+)/gm)].reduce(
      (sum, [, value]) => sum + Number(value),
      0,
    );
  }

  test(
    'joins, slow spells, changed filters and resumes while events flow, directly and through proxies',
    LIMIT,
    async (t) => {
      const crowd = Array.from({ length: CROWD }, () => new WsClient(urlAt(running.gateway.port)));
      for (const socket of crowd) socket.on('message', () => {});
      stack.defer(() => crowd.forEach((socket) => socket.terminate()));
      await startAll();
      const texts: string[] = [];
      let all = false;
      for (let n = 0; n < EVENTS;) {
        // Most events come when all clients have joined; until then they join while events flow.
        if (!all && n > EVENTS / 5) {
          await until('all clients have joined', async () => (await connections()) === CROWD + printed.length, {
            limitMs: 120_000,
          });
          all = true;
        }
        const lines = Array.from({ length: BATCH }, (_, at) => line(n + at, n + at === EVENTS - 1));
        n += BATCH;
        texts.push(...lines);
        assert.equal((await running.ingest(lines.join('\n'))).body['accepted'], lines.length);
      }
      for (const { name, line: out } of printed) {
        const [first = '', count = '', digest = '', ...extensions] = (await out).split(' ');
        const expected = createHash('sha256');
        for (const text of texts.slice(Number(first))) expected.update(`${text}\n`);
        assert.equal(digest, expected.digest('hex'), `${name}: ${await out}; ${await ends()}`);
        assert.equal(Number(count), EVENTS - Number(first), name);
        t.diagnostic(`${name}: ${count} events ${extensions.join(' ')}`);
      }
      assert.ok(printed.length > 0);
    },
  );
});

/** Plain, or the control contract: only that has cursors and changes of filters. */
type Contract = '' | '&v=1';

/** How a client reaches the gateway. */
interface Way {
  readonly way: string;
  readonly port: number;
  readonly contract: Contract;
}

const BROWSERS = {
  chromium: (profile: string) => [
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    `--user-data-dir=${profile}`,
  ],
  'firefox-esr': (profile: string) => ['--headless', '--no-remote', '--profile', profile],
} as const;

const GO_KINDS = ['coder', 'forgets', 'gorilla'];
const RUST_BUILD = 'cargo build --release';
const GO_BUILD =
  'go mod init client && go get github.com/coder/websocket github.com/gorilla/websocket && CGO_ENABLED=0 go build -o client .';

function nginxConf(own: number, port: number): string {
  return `daemon off; worker_processes 1; error_log stderr; pid nginx.pid;
events { worker_connections 1024; }
http { access_log off;
  server { listen 127.0.0.1:${own};
    location / { proxy_pass http://127.0.0.1:${port}; proxy_http_version 1.1; proxy_read_timeout 600s;
      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; proxy_set_header Host $host; } } }
`;
}

function haproxyConf(own: number, port: number): string {
  return `defaults
  mode http
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  timeout tunnel 600s
frontend own
  bind 127.0.0.1:${own}
  default_backend gateway
backend gateway
  server one 127.0.0.1:${port}
`;
}
