import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { readRepositoryFile, repositoryFiles, ROOT } from './repository.ts';
import { shippedBom } from './sbom.ts';
import { faultsOf, FLOORS, readLock, type LockedPackage } from './supply-chain.ts';

const LOCK = readLock(readRepositoryFile('package-lock.json'));
const MANIFEST = JSON.parse(readRepositoryFile('package.json')) as {
  scripts: Record<string, string>;
  allowScripts: Record<string, boolean>;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

const locked = (changes: Partial<LockedPackage>): LockedPackage => ({
  name: 'thing',
  version: '1.0.0',
  license: 'MIT',
  isDevelopment: false,
  hasInstallScript: false,
  hasIntegrity: true,
  ...changes,
});

test('the lock file has no licence, version, script or entry that is not allowed', () => {
  assert.deepEqual(faultsOf(LOCK, new Set(Object.keys(MANIFEST.allowScripts))), []);
  for (const name of Object.keys(FLOORS))
    assert.ok(
      LOCK.some((one) => one.name === name),
      `${name} is not locked`,
    );
});

test('a package that is not allowed is found', () => {
  const none: ReadonlySet<string> = new Set();
  const faults = (changes: Partial<LockedPackage>) => faultsOf([locked(changes)], none).length;
  assert.equal(faults({}), 0);
  assert.equal(faults({ license: '(MIT OR GPL-3.0-only)' }), 0);
  assert.equal(faults({ license: 'MIT AND GPL-3.0-only' }), 1);
  assert.equal(faults({ license: null }), 1);
  assert.equal(faults({ hasInstallScript: true }), 1);
  assert.equal(faults({ hasIntegrity: false }), 1);
  assert.equal(faults({ name: 'ws', version: '8.23.0' }), 0);
  assert.equal(faults({ name: 'ws', version: '8.22.9' }), 1);
  assert.equal(faults({ name: 'ws', version: '8.23.0-beta.1' }), 1);
  assert.equal(faults({ name: 'ws', version: '10.0.0' }), 0);
});

test('dependencies are exact, and the lock file names no registry', () => {
  const all = { ...MANIFEST.dependencies, ...MANIFEST.devDependencies };
  assert.deepEqual(
    Object.entries(all).filter(([, version]) => !/^\d+\.\d+\.\d+$/.test(version)),
    [],
  );
  assert.ok(!readRepositoryFile('package-lock.json').includes('"resolved"'));
});

test('npm run sbom lists every package of the image', () => {
  assert.match(MANIFEST.scripts['sbom'] ?? '', /node docs\/sbom\.ts$/);
  const { components, dependencies } = shippedBom();
  const listed = new Set(components.map(({ name, version }) => `${name}@${version}`));
  const shipped = LOCK.filter(({ isDevelopment }) => !isDevelopment);
  assert.deepEqual(
    shipped.filter(({ name, version }) => !listed.has(`${name}@${version}`)),
    [],
  );
  assert.ok(!components.some(({ name }) => name === 'typescript'));
  const references = new Set(components.map((one) => one['bom-ref']));
  const dangling = dependencies.flatMap(({ dependsOn = [] }) => dependsOn.filter((ref) => !references.has(ref)));
  assert.deepEqual(dangling, []);
});

test('base images have a version, and .ci/pin-images pins each by digest and updates it', async (t) => {
  const images = [...readRepositoryFile('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, image = '']) => image);
  assert.ok(images.length > 0 && images.every((image) => /:[^:]+$/.test(image) && !image.includes(':latest')));
  const folder = await mkdtemp(join(tmpdir(), 'firehose-pin-'));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, '.ci'));
  await cp(join(ROOT, '.ci/pin-images'), join(folder, '.ci/pin-images'));
  await cp(join(ROOT, 'Dockerfile'), join(folder, 'Dockerfile'));
  // The registry is the outermost edge: this docker reports for each image a digest of one repeated digit.
  for (const digit of ['1', '2']) {
    const docker = `#!/bin/sh\ncase "$*" in *'$'*) exit 1;; esac\nprintf 'sha256:%064d' ${digit}\n`;
    await writeFile(join(folder, 'bin/docker'), docker, { mode: 0o755 });
    const env = { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` };
    const { status, stderr } = spawnSync(join(folder, '.ci/pin-images'), { env, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    const pinned = [...(await readFile(join(folder, 'Dockerfile'), 'utf8')).matchAll(/^FROM (\S+)/gm)];
    assert.deepEqual(
      pinned.map(([, image = '']) => image),
      images.map((image) => `${image.split('@')[0]}@sha256:${digit.padStart(64, '0')}`),
    );
  }
});

test('the files of an open project are there', () => {
  const files = new Set(repositoryFiles());
  for (const file of [
    'LICENSE',
    'NOTICE',
    'CONTRIBUTING.md',
    'SECURITY.md',
    'CHANGELOG.md',
    'CODE_OF_CONDUCT.md',
    '.editorconfig',
    '.nvmrc',
    '.github/dependabot.yml',
    '.github/PULL_REQUEST_TEMPLATE.md',
  ]) {
    assert.ok(files.has(file), file);
  }
  assert.match(readRepositoryFile('.github/workflows/ci.yml'), /run: \.ci\/run\n/);
});
