/** `npm run generate`: writes crds/ from the schema. `crd.test.ts` fails when it was forgotten. */
import { writeFile } from 'node:fs/promises';
import { CRD_FILE, crdText } from './crd-file.ts';

await writeFile(CRD_FILE, crdText());
