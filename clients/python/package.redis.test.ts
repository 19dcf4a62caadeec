import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { codeBlocks } from '../../docs/markdown.ts';
import { startGateway, type RunningGateway } from '../../gateway/testing/running-gateway.ts';
import { INGEST_PATH } from '../../protocol/paths.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { startTcpProxy, type TcpProxy } from '../../testing/tcp-proxy.ts';

const OWN = fileURLToPath(new URL('./', import.meta.url));
const LIMIT = { timeout: 300_000 };
const PIP_LIMIT_MS = 90_000;
const EVENT = { 'Event-Name': 'CHANNEL_CREATE', 'Custom-Channel-Vars': { 'Account-ID': 'account_id_1' } };

const CONSUMER = `from firehose_client import Event, EventName, Gap, Snapshot


def consume(item: Event | Gap | Snapshot, event: Event) -> None:
`;
const CONSUMER_LINES = CONSUMER.split('\n').length - 1;
const RIGHT = [
  `call: str = event.event["Call-ID"]`,
  `digit: str | None = event.event.get("DTMF-Digit")`,
  `seconds: float | str = event.event["Duration-Seconds"]`,
  `own: object = event.event.get("Screen")`,
  `name: EventName = "PARK_PARKED"`,
  `cursor: str = "" if isinstance(item, Gap) else item.cursor`,
];
/** One fault each. */
const WRONG = [
  `call: int = event.event["Call-ID"]`,
  `cause: str = event.event["Hangup-Couse"]`,
  `seconds: str = event.event["Duration-Seconds"]`,
  `name: EventName = "PARK_PARKD"`,
  `cursor: str = item.cursor`,
];

/** The wheel as published, in a virtual environment. The code of README.md runs there unchanged. */
describe('the package', async () => {
  const wanted = 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))';
  if (spawnSync('python3', ['-c', wanted]).status !== 0) {
    test('the wheel', { skip: 'needs Python 3.10 or newer with venv' });
    return;
  }
  let folder: string;
  let redis: RedisServer;
  let gateway: RunningGateway;
  let proxy: TcpProxy;
  let scissors: Server;
  let environment: Readonly<Record<string, string>>;
  const python = () => join(folder, 'venv/bin/python');

  before(
    async () => {
      folder = await mkdtemp(join(tmpdir(), 'firehose-wheel-'));
      await cp(OWN, join(folder, 'source'), { recursive: true });
      run('python3', '-m', 'venv', join(folder, 'venv'));
      run(python(), '-m', 'pip', 'wheel', '--quiet', '--no-deps', '--wheel-dir', folder, join(folder, 'source'));
      const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl')) ?? '';
      run(python(), '-m', 'pip', 'install', '--quiet', join(folder, wheel));
      redis = await startRedis();
      gateway = await startGateway({ redisUrl: redis.url, calls: { enabled: true } });
      proxy = await startTcpProxy(gateway.gateway.port);
      scissors = createServer((_, response) => {
        proxy.cutAll();
        response.end();
      }).listen(0, '127.0.0.1');
      await once(scissors, 'listening');
      environment = {
        FIREHOSE_URL: `https://localhost:${proxy.port}`,
        FIREHOSE_CA: join(gateway.stateFolder, 'ca.crt'),
        INGEST_URL: `http://127.0.0.1:${gateway.gateway.innerPort}${INGEST_PATH}`,
        INGEST_TOKEN: (await readFile(join(gateway.stateFolder, 'ingest-token'), 'utf8')).trim(),
        CUT_URL: `http://127.0.0.1:${(scissors.address() as AddressInfo).port}`,
      };
    },
    { timeout: 3 * PIP_LIMIT_MS },
  );
  after(async () => {
    scissors.close();
    await proxy[Symbol.asyncDispose]();
    await gateway[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  function run(program: string, ...args: string[]): void {
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', timeout: PIP_LIMIT_MS });
    assert.equal(status, 0, `${program} ${args.join(' ')}: ${stdout}${stderr}`);
  }

  test('its own tests pass: the rules, and the client against a gateway', LIMIT, async () => {
    const child = spawn(python(), ['-m', 'unittest', 'discover', '--start-directory', 'tests'], {
      cwd: join(folder, 'source'),
      env: { ...process.env, ...environment },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
    const [code] = (await once(child, 'close')) as [number | null];
    assert.equal(code, 0, output);
    assert.match(output, /Ran [1-9][0-9] tests/);
  });

  test('K5: it is typed, and mypy fails what is wrong about an event', LIMIT, async () => {
    run(python(), '-m', 'pip', 'install', '--quiet', 'mypy');
    run(python(), '-m', 'mypy', '--strict', '--package', 'firehose_client');
    const check = async (lines: readonly string[]) => {
      await writeFile(join(folder, 'typed.py'), `${CONSUMER}${lines.map((line) => `    ${line}\n`).join('')}`);
      const mypy = ['-m', 'mypy', '--strict', 'typed.py'];
      const { stdout } = spawnSync(python(), mypy, { cwd: folder, encoding: 'utf8', timeout: PIP_LIMIT_MS });
      assert.match(stdout, /^(Success|Found \d+ error)/m);
      return [...stdout.matchAll(/^typed\.py:(\d+): error/gm)].map(([, line]) => Number(line) - CONSUMER_LINES);
    };
    assert.deepEqual(await check(RIGHT), []);
    assert.deepEqual(
      await check(WRONG),
      WRONG.map((_, n) => n + 1),
    );
  });

  for (const [place, expected] of [
    /\S+ CHANNEL_CREATE account_id_1/,
    /Change\('snapshot'[^]*Change\('began'.* ringing/,
    /(CHANNEL_CREATE\n){5}/,
  ].entries()) {
    test(`block ${place + 1} of README.md prints events`, LIMIT, async () => {
      const readme = await readFile(join(OWN, 'README.md'), 'utf8');
      const block = codeBlocks(readme).filter(({ run }) => run?.endsWith('package.redis.test.ts'))[place];
      await writeFile(join(folder, 'block.py'), block?.code ?? '');
      const child = spawn(python(), ['block.py'], { cwd: folder, env: { ...process.env, ...environment } });
      let output = '';
      const printed = Promise.withResolvers<void>();
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (data) => {
          output += String(data);
          if (expected.test(output)) printed.resolve();
        });
      }
      child.once('close', () => printed.resolve());
      let n = 0;
      const feeding = setInterval(
        () => void gateway.ingest(JSON.stringify({ ...EVENT, 'Call-ID': `${place}-${n++}` })),
        100,
      );
      const limit = setTimeout(() => printed.resolve(), 30_000);
      await printed.promise;
      clearInterval(feeding);
      clearTimeout(limit);
      child.kill();
      assert.match(output, expected);
    });
  }
});
