import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { FULL_SPEC, MINIMAL_SPEC, subscription } from '../testing/resources.ts';
import { CRD_FILE, crdText } from './crd-file.ts';
import { WRONG_RESOURCES } from '../testing/wrong-resources.ts';

test('crds/ is what the schema gives: run `npm run generate` after a change of protocol/subscription', async () => {
  assert.equal(await readFile(CRD_FILE, 'utf8'), crdText());
});

test('every list says how it is merged, and nothing foreign to a structural schema is left', () => {
  const text = crdText();
  const arrays = text.match(/type: array/g)?.length;
  assert.equal(text.match(/x-kubernetes-list-type/g)?.length, arrays);
  assert.doesNotMatch(text, /additionalProperties: false|propertyNames|\bconst:|oneOf/);
});

test('a file may hold what a custom resource may', () => {
  for (const spec of [MINIMAL_SPEC, FULL_SPEC]) subscriptionSchema.parse(subscription('acme', spec));
});

for (const { what, spec } of WRONG_RESOURCES.filter(({ clusterOnly }) => clusterOnly !== true)) {
  test(`a file with ${what} is refused`, () => {
    assert.ok(!subscriptionSchema.safeParse(subscription('acme', spec)).success);
  });
}
