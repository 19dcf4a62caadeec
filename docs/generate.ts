/** Part of `npm run generate`: writes docs/errors.md. `errors.test.ts` fails when it was forgotten. */
import { writeFile } from 'node:fs/promises';
import { ERRORS_FILE, errorsText } from './errors.ts';

await writeFile(ERRORS_FILE, await errorsText());
