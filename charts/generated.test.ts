import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { parse } from 'yaml';
import { OWN_RULES, WATCHED_RULES } from '../operator/role.ts';
import { CHART, generatedFiles } from './generated.ts';
import { valueRows } from './values/render-values.ts';
import { valuesSchema } from './values/values.ts';

test('what the chart takes from elsewhere is current: run `npm run generate`', async () => {
  for (const { path, text } of await generatedFiles()) assert.equal(await readFile(path, 'utf8'), text, path);
});

test("the chart's role is that of operator/role.ts", async () => {
  const rules = async (name: string) => parse(await readFile(`${CHART}files/${name}`, 'utf8')) as unknown;
  assert.deepEqual(await rules('watched-rules.yaml'), WATCHED_RULES);
  assert.deepEqual(await rules('own-rules.yaml'), OWN_RULES);
});

test('values.yaml holds every default', async () => {
  assert.deepEqual(parse(await readFile(`${CHART}values.yaml`, 'utf8')), valuesSchema.parse({}));
});

test('every value says what it is for', () => {
  for (const { path, description } of valueRows()) assert.ok(description.length > 0, path);
});
