/** `npm run generate`: writes crds/ from the schemas. `crd.test.ts` fails when this was forgotten. */
import { writeFile } from 'node:fs/promises';
import { crdFiles } from './crd-file.ts';

for (const { path, text } of crdFiles()) await writeFile(path, text);
