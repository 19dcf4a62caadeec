import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { NAMED_EVENTS } from '../protocol/catalogue.ts';
import { PYTHON_FILE, pythonTypes, TYPESCRIPT_FILE, typescriptTypes } from './event-types.ts';

test('K5: the types of both clients are what npm run generate writes from the table of fields', async () => {
  assert.equal(await readFile(TYPESCRIPT_FILE, 'utf8'), await typescriptTypes(), 'run npm run generate');
  assert.equal(await readFile(PYTHON_FILE, 'utf8'), pythonTypes(), 'run npm run generate');
});

test('K5: each event that a filter may name has a type of its own', async () => {
  const text = await typescriptTypes();
  for (const name of NAMED_EVENTS) assert.match(text, new RegExp(`^  readonly ${name}:`, 'm'));
});
