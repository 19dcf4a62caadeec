import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readRepositoryFile, repositoryFiles } from './repository.ts';
import { forbiddenUses, readForbiddenTwins } from './words.ts';

const TWINS = readForbiddenTwins(readRepositoryFile('docs/glossary.md'));
const WRITTEN = /\.(ts|mjs|md|ya?ml|tpl|txt|sh|json|lua)$/;
/** The list and its test, generated files (their sources are read), third-party recordings, figures of a run. */
const EXEMPT =
  /^(docs\/(glossary\.md|configure\.md|words\.test\.ts|words\.ts)|crds\/|package-lock\.json|LICENSE|.*\/(fixtures|recordings|results|dashboards\/.*\.json)(\/|$))/;

test('no file uses a word that the glossary forbids', () => {
  const faults = repositoryFiles()
    .filter((path) => WRITTEN.test(path) && !EXEMPT.test(path))
    .flatMap((path) =>
      forbiddenUses(readRepositoryFile(path), TWINS).map(
        ({ line, word, instead }) => `${path}:${line}: '${word}': write ${instead}`,
      ),
    );
  assert.deepEqual(faults, []);
});

test('a forbidden word is found as a word and in an identifier, and not inside of another word', () => {
  const twins = [{ words: ['bury', 'goes on as'], instead: 'dead letter' }];
  const found = (line: string) => forbiddenUses(line, twins).map(({ word }) => word);
  for (const line of ['to bury it', 'Bury it', 'buryEvent()', 'canBury()', 'BURY_MS', 'it goes on as before']) {
    assert.equal(found(line).length, 1, line);
  }
  for (const line of ['Salisbury', 'burying', 'goes on assembling', 'NATS: bury'])
    assert.deepEqual(found(line), [], line);
});

test('the glossary lists what the words of the house forbid', () => {
  const words = new Set(TWINS.flatMap((twin) => twin.words));
  for (const word of ['recipient', 'subscriber', 'burial', 'funeral', 'whoever', 'somebody', 'in earnest', 'mend']) {
    assert.ok(words.has(word), word);
  }
});
