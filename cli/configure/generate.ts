/** Part of `npm run generate`: writes docs/configure.md. `configure.test.ts` fails when it was forgotten. */
import { readFile, writeFile } from 'node:fs/promises';
import { CONFIGURE_FILE } from './document.ts';
import { formattedConfigureText } from './formatted.ts';

const text = await formattedConfigureText();
if (text !== (await readFile(CONFIGURE_FILE, 'utf8').catch(() => null))) await writeFile(CONFIGURE_FILE, text);
