import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anchors, codeBlocks, links, prose } from './markdown.ts';

const TEXT = `# One page

See [there](other.md#two-words) and \`[not](this.md)\`.

<!-- run: start -->

\`\`\`sh
npm start
\`\`\`

Words between.

\`\`\`js
# Not a heading, [no](link.md)
\`\`\`

## Two \`words\`: (really)
## Two \`words\`: (really)
`;

test('a block of code has the comment before it, and only the nearest block', () => {
  assert.deepEqual(codeBlocks(TEXT), [
    { language: 'sh', code: 'npm start\n', run: 'start', line: 7 },
    { language: 'js', code: '# Not a heading, [no](link.md)\n', run: null, line: 13 },
  ]);
});

test('links are those of the prose, with their line', () => {
  assert.deepEqual(links(TEXT), [{ target: 'other.md#two-words', line: 3 }]);
  assert.equal(prose(TEXT).split('\n').length, TEXT.split('\n').length);
});

test('anchors are what GitHub makes of headings', () => {
  assert.deepEqual([...anchors(TEXT)], ['one-page', 'two-words-really', 'two-words-really-1']);
});
