import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { sourceSchema } from '../protocol/source.ts';
import { FREESWITCH_SPEC, SIMULATOR_SPEC } from '../operator/testing/sources.ts';
import { chartTools } from '../testing/chart-tools.ts';
import { CHART } from './generated.ts';
import { helm, readObjects } from './testing/helm.ts';

let program: string;
before(async () => {
  ({ helm: program } = await chartTools());
});

const KIND = ['--api-versions', 'firehose.dev/v1alpha1/FirehoseSource'];
const sources = { pbx: FREESWITCH_SPEC, calls: SIMULATOR_SPEC };
const rendered = async (more: readonly string[]) => {
  const { code, output, errors } = await helm(program, ['template', 'x', CHART, '-n', 'voice', ...more], { sources });
  assert.equal(code, 0, errors);
  return readObjects(output).filter(({ kind }) => kind === 'FirehoseSource');
};

test('sources of the values become FirehoseSources that nothing keeps from going with the release', async () => {
  const made = await rendered(KIND);
  assert.deepEqual(
    made.map(({ metadata }) => metadata.name),
    ['calls', 'pbx'],
  );
  for (const object of made) {
    assert.equal(object.metadata.namespace, 'voice');
    assert.equal(object.metadata.annotations?.['firehose.dev/skip-redis-cleanup'], 'true');
    sourceSchema.parse(object);
  }
});

test('a cluster that does not know the kind yet gets them by the next upgrade', async () => {
  assert.deepEqual(await rendered([]), []);
});
