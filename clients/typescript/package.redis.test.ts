import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { codeBlocks } from '../../docs/markdown.ts';
import { startGateway, type RunningGateway } from '../../gateway/testing/running-gateway.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { npmPackages } from '../../testing/registry-packages.ts';
import { until } from '../../testing/until.ts';

const OWN = fileURLToPath(new URL('./', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const LIMIT = { timeout: 90_000 };
const MOST_BYTES = 40 * 1_024;
const CONSUMER = `import type { CallEvent, EventName, StreamItem } from 'firehose-client';
export function consume(event: CallEvent, item: StreamItem) {
`;
const CONSUMER_LINES = CONSUMER.split('\n').length - 1;
const RIGHT = [
  `const id: string | undefined = event['Call-ID'];`,
  `if (event['Event-Name'] === 'DTMF') { const digit: string | undefined = event['DTMF-Digit']; }`,
  `if (event['Event-Name'] === 'CHANNEL_DESTROY') { const s: number | string | undefined = event['Duration-Seconds']; }`,
  `if (event['Event-Name'] === 'SCREEN_POP') { const own: unknown = event['Screen']; }`,
  `const name: EventName = 'PARK_PARKED';`,
  `if (item.type === 'gap') { const reason: string = item.reason; } else { const cursor: string = item.cursor; }`,
];
/** One fault each. */
const WRONG = [
  `const id: number = event['Call-ID'];`,
  `const digit: string | undefined = event['DTMF-Digit'];`,
  `if (event['Event-Name'] === 'DTMF') { const cause: string | undefined = event['Hangup-Cause']; }`,
  `event['Call-ID'] = 'other';`,
  `const name: EventName = 'PARK_PARKD';`,
  `const reason: string = item.reason;`,
];

/** The package as published, installed into an empty folder. The code of README.md runs there unchanged. */
describe('the package', () => {
  let folder: string;
  let redis: RedisServer;
  let gateway: RunningGateway;
  let archive: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'firehose-package-'));
    await cp(OWN, join(folder, 'source'), { recursive: true });
    await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const env = { ...environment(), PATH: `${join(ROOT, 'node_modules/.bin')}:${environment()['PATH'] ?? ''}` };
    const packed = execFileSync('npm', ['pack', '--json'], { cwd: join(folder, 'source'), env, encoding: 'utf8' });
    const [{ filename = '' } = {}] = JSON.parse(packed.slice(packed.indexOf('['))) as { filename?: string }[];
    archive = join(folder, 'source', filename);
    await mkdir(join(folder, 'consumer'));
    await writeFile(join(folder, 'consumer/package.json'), '{ "type": "module" }');
    const install = ['install', '--offline', '--no-audit', '--no-fund', archive];
    execFileSync('npm', install, { cwd: join(folder, 'consumer'), env: environment(), stdio: 'pipe' });
    redis = await startRedis();
    gateway = await startGateway({ redisUrl: redis.url, calls: { enabled: true } });
  });
  after(async () => {
    await gateway[Symbol.asyncDispose]();
    await redis[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  /** Runs a block of README.md, in Node.js or by another command, until it has printed the expected output. */
  async function runs(place: number, expected: RegExp, command: readonly string[] = [process.execPath]): Promise<void> {
    const [program = '', ...args] = command;
    const readme = await readFile(join(OWN, 'README.md'), 'utf8');
    const block = codeBlocks(readme).filter(({ run }) => run?.endsWith('package.redis.test.ts'))[place];
    await writeFile(join(folder, `consumer/block-${place}.js`), block?.code ?? '');
    const child = spawn(program, [...args, `block-${place}.js`], {
      cwd: join(folder, 'consumer'),
      env: {
        ...environment(),
        DENO_CERT: join(gateway.stateFolder, 'ca.crt'),
        FIREHOSE_URL: `https://localhost:${gateway.gateway.port}`,
        NODE_EXTRA_CA_CERTS: join(gateway.stateFolder, 'ca.crt'),
      },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += String(data)));
    const ended = once(child, 'exit');
    const feeding = setInterval(() => void gateway.ingest(event()).catch(() => undefined), 100);
    const isDone = () => expected.test(output) || child.exitCode !== null;
    await until('the expected output', isDone, { limitMs: 60_000 }).catch(() => undefined);
    clearInterval(feeding);
    child.kill();
    await ended;
    assert.match(output, expected);
  }

  let produced = 0;
  const event = () =>
    JSON.stringify({
      'Event-Name': 'CHANNEL_CREATE',
      'Call-ID': `call-${produced++}`,
      'Custom-Channel-Vars': { 'Account-ID': 'account_id_1' },
    });

  test('K6: the package is small, has no dependencies, and types', LIMIT, async () => {
    assert.ok((await readFile(archive)).length < MOST_BYTES);
    const installed = join(folder, 'consumer/node_modules/firehose-client');
    const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8')) as object & {
      dependencies?: object;
    };
    assert.equal(dependencies, undefined);
    assert.match(await readFile(join(installed, 'dist/index.d.ts'), 'utf8'), /FirehoseError/);
  });

  test('K5: its types tell what an event has by its name, and fail what is wrong', { timeout: 180_000 }, async () => {
    const check = async (lines: readonly string[]) => {
      await writeFile(join(folder, 'consumer/types.ts'), `${CONSUMER}${lines.join('\n')}\n}\n`);
      const options = ['--strict', '--noEmit', '--module', 'nodenext', '--target', 'es2022', '--types', ''];
      const run = { cwd: join(folder, 'consumer'), encoding: 'utf8' } as const;
      const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/tsc'), [...options, 'types.ts'], run);
      return [...stdout.matchAll(/^\S*types\.ts\((\d+),/gm)].map(([, line]) => Number(line) - CONSUMER_LINES);
    };
    assert.deepEqual(await check(RIGHT), []);
    assert.deepEqual(
      await check(WRONG),
      WRONG.map((_, n) => n + 1),
    );
  });

  test('five lines print events', LIMIT, () => runs(0, /\S+ CHANNEL_CREATE account_id_1/));
  test('with a cursor file', LIMIT, async () => {
    await runs(1, /event \S+/);
    assert.match(await readFile(join(folder, 'consumer/cursor'), 'utf8'), /^[A-Za-z0-9_-]+$/);
  });
  test('the live calls', LIMIT, () => runs(2, /snapshot [^]*began .*call-\d+ ringing/));
  const isKnown = process.platform === 'linux' && ['x64', 'arm64'].includes(process.arch);
  test(
    'in Deno and in Bun: five lines, a cursor file, the live calls, a group',
    {
      timeout: 400_000,
      skip: isKnown ? false : 'the versions of Deno and Bun here are for Linux',
    },
    async () => {
      const bun = `@oven/bun-linux-${process.arch === 'x64' ? 'x64' : 'aarch64'}`;
      const deno = `@deno/linux-${process.arch}-glibc`;
      const modules = await npmPackages([`${deno}@2.9.6`, `${bun}@1.4.5`], environment());
      for (const command of [
        [
          join(modules, deno, 'deno'),
          'run',
          '--no-prompt',
          '--allow-net',
          '--allow-env',
          '--allow-read',
          '--allow-write',
        ],
        [join(modules, bun, 'bin/bun')],
      ]) {
        await rm(join(folder, 'consumer/cursor'), { force: true });
        await runs(0, /\S+ CHANNEL_CREATE account_id_1/, command);
        await runs(1, /event \S+/, command);
        assert.match(await readFile(join(folder, 'consumer/cursor'), 'utf8'), /^[A-Za-z0-9_-]+$/);
        await runs(2, /snapshot [^]*began .*call-\d+ ringing/, command);
        await runs(3, /(CHANNEL_CREATE\n){20}/, command);
      }
    },
  );
  test('a group acknowledges', LIMIT, () => runs(3, /(CHANNEL_CREATE\n){20}/));
});

function environment(): Record<string, string | undefined> {
  return { ...process.env };
}
