/** Part of `npm run generate`: writes docs/configure.md. `configure.test.ts` fails when this was forgotten. */
import { readFile, writeFile } from 'node:fs/promises';
import { CONFIGURE_FILE } from './document.ts';
import { formattedConfigureText } from './formatted.ts';

const text = await formattedConfigureText();
// A missing file is written; for an unreadable one the write fails too.
if (text !== (await readFile(CONFIGURE_FILE, 'utf8').catch(() => null))) await writeFile(CONFIGURE_FILE, text);
