import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureBinaries, findBinaries, KUBERNETES_VERSION, missingBinaries } from './binaries.ts';

const PROGRAMS = ['etcd', 'kube-apiserver', 'kube-controller-manager', 'kubectl'];

async function folderWith(names: readonly string[], ...below: string[]) {
  const path = await mkdtemp(join(tmpdir(), 'firehose-binaries-'));
  const folder = join(path, ...below);
  await mkdir(folder, { recursive: true });
  for (const name of names) await writeFile(join(folder, name), '#!/bin/sh\n', { mode: 0o755 });
  return { path, folder, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test('the folder that the environment names is taken when it is complete', async () => {
  await using assets = await folderWith(PROGRAMS);
  const environment = { KUBEBUILDER_ASSETS: assets.folder, XDG_CACHE_HOME: '/nowhere' };
  assert.equal(findBinaries(environment)?.etcd, join(assets.folder, 'etcd'));
  await using other = await folderWith(['etcd']);
  const named = findBinaries({ ...environment, TEST_ASSET_ETCD: join(other.folder, 'etcd') });
  assert.equal(named?.etcd, join(other.folder, 'etcd'));
});

test('an incomplete folder is passed over for the cache, so that versions never mix', async () => {
  await using assets = await folderWith(['etcd', 'kube-apiserver', 'kubectl']);
  await using cache = await folderWith(PROGRAMS, 'firehose', KUBERNETES_VERSION);
  const found = findBinaries({ KUBEBUILDER_ASSETS: assets.folder, XDG_CACHE_HOME: cache.path });
  assert.equal(found?.etcd, join(cache.folder, 'etcd'));
});

/** Programs that print their version, by name. */
async function onPath(answers: Readonly<Record<string, string>>) {
  const made = await folderWith([]);
  for (const [name, answer] of Object.entries(answers)) {
    await writeFile(join(made.folder, name), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
  }
  return made;
}

test('a program on the PATH is taken when its version is suitable, and otherwise named as missing', async () => {
  const [minor = ''] = /^v\d+\.\d+/.exec(KUBERNETES_VERSION) ?? [];
  const wanted = {
    etcd: 'etcd Version: 3.5.16',
    'kube-apiserver': `Kubernetes ${minor}.0`,
    'kube-controller-manager': `Kubernetes ${minor}.9`,
    kubectl: `Client Version: ${minor}.1`,
  };
  await using good = await onPath(wanted);
  await using empty = await folderWith([]);
  const environment = { XDG_CACHE_HOME: empty.path, PATH: good.folder };
  assert.equal(findBinaries(environment)?.kubectl, join(good.folder, 'kubectl'));
  assert.deepEqual(missingBinaries(environment), []);
  await using old = await onPath({ ...wanted, etcd: 'etcd Version: 3.5.12', kubectl: 'Client Version: v1.2.0' });
  const outdated = { ...environment, PATH: old.folder };
  assert.equal(findBinaries(outdated), null);
  assert.deepEqual(missingBinaries(outdated), ['etcd', `kubectl ${KUBERNETES_VERSION}`]);
});

test('a build is one line with its time, without the downloads of modules, and its faults are shown', async () => {
  await using cache = await folderWith([]);
  const go = `case "$1" in
  version) ;;
  *) echo 'go: downloading example.org/module v1.0.0' >&2
    while [ "$1" != -o ]; do shift; done
    case "$2" in
      *kubectl*) echo 'no space left' >&2; exit 1 ;;
      *) echo > "$2"; chmod +x "$2" ;;
    esac ;;
esac`;
  await using bin = await folderWith([]);
  await writeFile(join(bin.folder, 'go'), `#!/bin/sh\n${go}\n`, { mode: 0o755 });
  await writeFile(join(bin.folder, 'npm'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const lines: string[] = [];
  const environment = { XDG_CACHE_HOME: cache.path, PATH: `${bin.folder}:/usr/bin:/bin` };
  const found = await ensureBinaries(environment, (line) => lines.push(line));
  assert.ok(!found.ok && found.remedy.includes('kubectl'));
  assert.deepEqual(
    lines.map((line) => line.replace(/\d+ s$/, 'N s')),
    [
      '  etcd built in N s',
      `  kube-apiserver ${KUBERNETES_VERSION} built in N s`,
      `  kube-controller-manager ${KUBERNETES_VERSION} built in N s`,
      'no space left',
    ],
  );
});

test('without Go and without programs the remedy is said', async () => {
  await using empty = await folderWith([]);
  const found = await ensureBinaries({ XDG_CACHE_HOME: empty.path, PATH: empty.path }, () => undefined);
  assert.ok(!found.ok && found.remedy.includes('KUBEBUILDER_ASSETS'));
});

test('what is built is the version that is stamped on it', async () => {
  const module = await readFile(new URL('go.mod', import.meta.url), 'utf8');
  assert.ok(module.includes(`k8s.io/kubernetes ${KUBERNETES_VERSION}`));
});
