import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../testing/until.ts';
import { chartTools } from '../testing/chart-tools.ts';
import { freePort } from '../testing/free-port.ts';
import { ask, end, launch } from '../testing/redis-process.ts';
import { objectsOf, type RenderedObject } from './testing/helm.ts';

const PROGRAM = fileURLToPath(new URL('../cli/firehose.ts', import.meta.url));

interface Container {
  readonly args: readonly string[];
}

/** The FirehoseSource for a first test. */
async function demoSource(): Promise<string> {
  const text = await readFile(new URL('demo.yaml', import.meta.url), 'utf8');
  const source = text.split(/^---$/m).find((part) => part.includes('kind: FirehoseSource'));
  assert.match(source ?? '', /key: source-url/, 'the URL is that of the Secret of the demo');
  return source ?? '';
}

/** Runs what a kubelet would run: the rendered files, arguments and addresses. */
test(
  "the demo's Redis, its users and its source work together as they are rendered",
  { timeout: 100_000 },
  async () => {
    const { helm } = await chartTools();
    const objects = await objectsOf(helm, { values: { demo: { enabled: true } } });
    const named = (kind: string, name: string): RenderedObject =>
      objects.find((object) => object.kind === kind && object.metadata.name === name) ?? assert.fail(`${kind} ${name}`);
    const containerOf = (name: string) => {
      const { template } = named('Deployment', name)['spec'] as {
        template: { spec: { containers: readonly Container[] } };
      };
      return template.spec.containers[0] ?? assert.fail(name);
    };
    const secret = named('Secret', 'firehose-demo')['stringData'] as Record<string, string>;

    const folder = await mkdtemp(join(tmpdir(), 'firehose-demo-'));
    const port = await freePort();
    const place = new Map([
      ['/etc/redis/users.acl', join(folder, 'users.acl')],
      ['/data', folder],
    ]);
    await writeFile(join(folder, 'users.acl'), secret['users.acl'] ?? '');
    await writeFile(join(folder, 'source.yaml'), await demoSource());
    const args = containerOf('firehose-demo-redis').args.map((word) => place.get(word) ?? word);
    const redis = await launch(port, [...args, '--port', String(port), '--bind', '127.0.0.1']);
    assert.ok(redis !== null, 'Redis takes its arguments and its users');

    const url = (secret['source-url'] ?? '').replace(/@.*$/, `@127.0.0.1:${port}`);
    assert.notEqual(url, secret['source-url']);
    const source = spawn(process.execPath, [PROGRAM, 'source'], {
      env: {
        REDIS_URL: url,
        FIREHOSE_SOURCE_FILE: join(folder, 'source.yaml'),
        FIREHOSE_INNER_HOST: '127.0.0.1',
        FIREHOSE_INNER_PORT: '0',
      },
      stdio: 'ignore',
    });
    const exit = once(source, 'exit');
    try {
      const [, password = ''] = /^redis:\/\/firehose:([^@]+)@/.exec(secret['url'] ?? '') ?? [];
      const as = (...words: string[]) => ask(port, words, password, 'firehose');
      await until('events', async () => Number(await as('xlen', 'firehose:{0}:events')) > 0);
      await assert.rejects(ask(port, ['xlen', 'firehose:{0}:events']), /NOAUTH/);
      const [[, fields] = []] = (await as('xrange', 'firehose:{0}:events', '-', '+', 'COUNT', '1')) as [
        string,
        string[],
      ][];
      const directory = (named('Secret', 'firehose-demo-directory')['stringData'] as Record<string, string>)[
        'directory.yaml'
      ];
      const account = fields?.[1]?.split('\t')[2] ?? '';
      assert.ok(account !== '' && directory?.includes(account), `${account} is an account of the directory`);
    } finally {
      source.kill('SIGTERM');
      await exit;
      await end(redis, 'SIGKILL');
      await rm(folder, { recursive: true });
    }
    assert.equal(source.exitCode, 0);
  },
);
