import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { aclRules } from './acl.ts';

it('stands in the README as it is here', async () => {
  const text = await readFile(new URL('README.md', import.meta.url), 'utf8');
  assert.ok(text.replaceAll('\n', ' ').includes(`user firehose ${aclRules()} >PASSWORD`));
});

it('is for the keys of the prefix alone', () => {
  assert.match(aclRules('other:'), /^on ~other:\* resetchannels -@all \+/);
});
