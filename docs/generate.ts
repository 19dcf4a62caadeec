/**
 * Part of `npm run generate`: writes docs/errors.md and the table of docs/privacy.md. Their tests fail when this was
 * forgotten.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { ERRORS_FILE, errorsText } from './errors.ts';
import { PRIVACY_PAGE, withPrivacyTable } from './privacy-table.ts';

await writeFile(ERRORS_FILE, await errorsText());
const privacy = new URL(`../${PRIVACY_PAGE}`, import.meta.url);
await writeFile(privacy, withPrivacyTable(await readFile(privacy, 'utf8')));
