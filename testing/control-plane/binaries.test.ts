import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ensureBinaries, findBinaries, KUBERNETES_VERSION } from './binaries.ts';

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

test('without Go and without programs the remedy is said', async () => {
  await using empty = await folderWith([]);
  const path = process.env['PATH'];
  process.env['PATH'] = empty.path;
  try {
    const found = await ensureBinaries({ XDG_CACHE_HOME: empty.path }, () => undefined);
    assert.ok(!found.ok && found.remedy.includes('KUBEBUILDER_ASSETS'));
  } finally {
    process.env['PATH'] = path;
  }
});

test('what is built is the version that is stamped on it', async () => {
  const module = await readFile(new URL('go.mod', import.meta.url), 'utf8');
  assert.ok(module.includes(`k8s.io/kubernetes ${KUBERNETES_VERSION}`));
});
