/** Part of `npm run generate`: writes the event types of both clients. Their test fails when this was forgotten. */
import { writeFile } from 'node:fs/promises';
import { PYTHON_FILE, pythonTypes, TYPESCRIPT_FILE, typescriptTypes } from './event-types.ts';

await writeFile(TYPESCRIPT_FILE, await typescriptTypes());
await writeFile(PYTHON_FILE, pythonTypes());
