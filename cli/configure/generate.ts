/** Part of `npm run generate`: writes docs/configure.md. `configure.test.ts` fails when it was forgotten. */
import { readFile, writeFile } from 'node:fs/promises';
import { CONFIGURE_FILE } from './document.ts';
import { formattedConfigureText } from './formatted.ts';

const text = await formattedConfigureText();
// A file that is missing is written; one that cannot be read makes the write fail too.
if (text !== (await readFile(CONFIGURE_FILE, 'utf8').catch(() => null))) await writeFile(CONFIGURE_FILE, text);
