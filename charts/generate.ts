/** Part of `npm run generate`: writes what the chart takes from elsewhere. `generated.test.ts` fails when it was forgotten. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { generatedFiles } from './generated.ts';

for (const { path, text } of await generatedFiles()) {
  await mkdir(dirname(path), { recursive: true });
  // A file that is current is left alone: a Helm that runs meanwhile must not see it empty.
  const kept = await readFile(path, 'utf8').catch(() => null);
  if (kept !== text) await writeFile(path, text);
}
