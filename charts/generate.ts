/** Part of `npm run generate`: writes what the chart takes from elsewhere. `generated.test.ts` fails when it was forgotten. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { generatedFiles } from './generated.ts';

for (const { path, text } of await generatedFiles()) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
