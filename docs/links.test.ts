import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { anchors, links } from './markdown.ts';
import { readRepositoryFile, repositoryFiles, ROOT } from './repository.ts';

const PAGES = repositoryFiles().filter((path) => path.endsWith('.md'));

/** The fault of a link of a page; null when it has a target. Links to the web are not followed. */
function faultOf(page: string, target: string): string | null {
  if (/^[a-z]+:/.test(target)) return null;
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : normalize(join(dirname(page), path));
  if (file.startsWith('..')) return 'leads out of the repository';
  if (!existsSync(join(ROOT, file))) return 'there is no such file';
  if (anchor === undefined) return null;
  if (!file.endsWith('.md')) return 'an anchor in a file that is not Markdown';
  return anchors(readRepositoryFile(file)).has(anchor) ? null : 'there is no such heading';
}

test('every link of every page leads somewhere', () => {
  const faults = PAGES.flatMap((page) =>
    links(readRepositoryFile(page)).flatMap(({ target, line }) => {
      const fault = faultOf(page, target);
      return fault === null ? [] : [`${page}:${line}: ${target}: ${fault}`];
    }),
  );
  assert.deepEqual(faults, []);
});

test('a link that leads nowhere is found', () => {
  assert.equal(faultOf('docs/README.md', 'connect.md#log-in'), null);
  assert.equal(faultOf('docs/README.md', '../LICENSE'), null);
  assert.equal(faultOf('docs/README.md', 'nowhere.md'), 'there is no such file');
  assert.equal(faultOf('docs/README.md', 'connect.md#nowhere'), 'there is no such heading');
  assert.equal(faultOf('README.md', '../other/README.md'), 'leads out of the repository');
});

test('every path that a page of the documentation names is there', () => {
  const folders = new Set(repositoryFiles().map((path) => path.split('/')[0] ?? ''));
  const faults = PAGES.filter((page) => !page.includes('/') || page.startsWith('docs/')).flatMap((page) =>
    [...readRepositoryFile(page).matchAll(/`([\w.-]+(?:\/[\w.-]+)+\/?)`/g)]
      .map(([, path = '']) => path)
      .filter((path) => folders.has(path.split('/')[0] ?? '') && !existsSync(join(ROOT, path)))
      .map((path) => `${page}: there is no ${path}`),
  );
  assert.deepEqual(faults, []);
});

test('the README fits on a page', () => {
  assert.ok(Buffer.byteLength(readRepositoryFile('README.md')) < 8 * 1024);
});
