import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { sourceSchema } from '../../protocol/source.ts';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { FULL_SPEC, MINIMAL_SPEC, subscription } from '../testing/resources.ts';
import { source, SOURCE_SPECS } from '../testing/sources.ts';
import { WRONG_RESOURCES } from '../testing/wrong-resources.ts';
import { WRONG_SOURCES } from '../testing/wrong-sources.ts';
import { crdFiles } from './crd-file.ts';

test('crds/ is what the schemas give: run `npm run generate` after a change of protocol/', async () => {
  for (const { path, text } of crdFiles()) assert.equal(await readFile(path, 'utf8'), text);
});

test('every list says how it is merged, and nothing foreign to a structural schema is left', () => {
  for (const { text } of crdFiles()) {
    const arrays = text.match(/type: array/g)?.length;
    assert.equal(text.match(/x-kubernetes-list-type/g)?.length, arrays);
    assert.doesNotMatch(text, /additionalProperties: false|propertyNames|\bconst:|oneOf/);
  }
});

test('a file may hold what a custom resource may', () => {
  for (const spec of [MINIMAL_SPEC, FULL_SPEC]) subscriptionSchema.parse(subscription('acme', spec));
  for (const spec of Object.values(SOURCE_SPECS)) sourceSchema.parse(source('pbx', spec));
});

for (const { what, spec } of WRONG_RESOURCES.filter(({ clusterOnly }) => clusterOnly !== true)) {
  test(`a file with ${what} is refused`, () => {
    assert.ok(!subscriptionSchema.safeParse(subscription('acme', spec)).success);
  });
}

for (const { what, spec } of WRONG_SOURCES.filter(({ clusterOnly }) => clusterOnly !== true)) {
  test(`a file of a source with ${what} is refused`, () => {
    assert.ok(!sourceSchema.safeParse(source('pbx', spec)).success);
  });
}
