/**
 * Part of `npm run generate`: writes the chart's content from other places. `generated.test.ts` fails when this was
 * forgotten.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { generatedFiles } from './generated.ts';

for (const { path, text } of await generatedFiles()) {
  await mkdir(dirname(path), { recursive: true });
  // A current file is not written: a Helm that runs at the same time must not see it empty.
  const kept = await readFile(path, 'utf8').catch(() => null);
  if (kept !== text) await writeFile(path, text);
}
