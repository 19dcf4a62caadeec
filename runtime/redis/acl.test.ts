import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { it } from 'node:test';
import { aclRules, sourceAclRules } from './acl.ts';

it('stands in the README as it is here', async () => {
  const text = await readFile(new URL('README.md', import.meta.url), 'utf8');
  const words = text.replaceAll('\n', ' ');
  assert.ok(words.includes(`user firehose ${aclRules()} >PASSWORD`));
  assert.ok(words.includes(`user firehose-source ${sourceAclRules()} >PASSWORD`));
});

it('is for the keys of the prefix alone', () => {
  assert.match(aclRules('other:'), /^on ~other:\* resetchannels -@all \+/);
});
