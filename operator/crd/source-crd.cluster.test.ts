import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { sourceSchema } from '../../protocol/source.ts';
import { startControlPlane, type ControlPlane } from '../../testing/control-plane/control-plane.ts';
import { installCrd } from '../testing/install-crd.ts';
import { ASTERISK_SPEC, FREESWITCH_SPEC, KAZOO_SPEC, source, SOURCE_SPECS } from '../testing/sources.ts';
import { WRONG_SOURCES } from '../testing/wrong-sources.ts';
import { sourceDefinition } from './definitions.ts';

const PATH = '/apis/firehose.dev/v1alpha1/namespaces/default/firehosesources';
/** Like kubectl: an unknown field is an error. */
const STRICT = '?fieldValidation=Strict&dryRun=All';
const MERGE = 'application/merge-patch+json';

describe('the API server and a FirehoseSource', () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane({ controllers: 'none' });
    await installCrd(plane, sourceDefinition());
  });
  after(() => plane[Symbol.asyncDispose]());

  const create = (resource: object, query = STRICT) => plane.admin.call('POST', `${PATH}${query}`, resource);

  for (const [what, spec] of Object.entries(SOURCE_SPECS)) {
    test(`takes one of ${what}, and reads it as a file is read`, async () => {
      const { status, body } = await create(source('pbx', spec));
      assert.equal(status, 201, String(body['message']));
      assert.deepEqual(
        sourceSchema.parse(source('pbx', body['spec'] as object)).spec,
        sourceSchema.parse(source('pbx', spec)).spec,
      );
    });
  }

  test('leaves the elements of lists as they were written: tools that compare whole lists see no difference', async () => {
    for (const spec of [KAZOO_SPEC, FREESWITCH_SPEC, ASTERISK_SPEC]) {
      const stored = (await create(source('pbx', spec))).body['spec'] as typeof KAZOO_SPEC;
      const lists = (of: object) => ['brokers', 'endpoints'].map((name) => (of as Record<string, unknown>)[name]);
      const kindOf = (of: Record<string, unknown>) => (of['kazoo'] ?? of['freeswitch'] ?? of['asterisk']) as object;
      assert.deepEqual(lists(kindOf(stored)), lists(kindOf(spec)));
    }
  });

  for (const { what, spec, says } of WRONG_SOURCES) {
    test(`refuses ${what}, and says why`, async () => {
      const { status, body } = await create(source('pbx', spec));
      assert.ok(status === 422 || status === 400, `${status} ${JSON.stringify(body)}`);
      assert.match(String(body['message']), says);
    });
  }

  test('takes ten thousand rules', async () => {
    const rules = Array.from({ length: 10_000 }, (_, at) => ({ match: { did: `+49${at}` }, account: `a${at}` }));
    const { status, body } = await create(source('pbx', { ...FREESWITCH_SPEC, accounts: { rules } }));
    assert.equal(status, 201, String(body['message']));
  });

  test('keeps what must not change', async () => {
    assert.equal((await create(source('fixed', KAZOO_SPEC), '')).status, 201);
    const changes: [object, RegExp][] = [
      [{ redis: { keyPrefix: 'other:' } }, /keyPrefix cannot be changed/],
      [{ redis: { mode: 'Cluster' } }, /redis\.mode cannot be changed/],
      [{ stream: { partitions: 5 } }, /partitions cannot be changed/],
      [{ kazoo: { queue: { maxLength: 5 } } }, /kazoo\.queue cannot be changed/],
      [{ kazoo: { queue: null } }, /^$/],
      [{ kazoo: null, freeswitch: FREESWITCH_SPEC.freeswitch }, /kind of a source cannot be changed/],
    ];
    for (const [spec, says] of changes) {
      const { status, body } = await plane.admin.call('PATCH', `${PATH}/fixed`, { spec }, MERGE);
      // An absent field has the default.
      assert.equal(status, says.source === '^$' ? 200 : 422);
      if (status !== 200) assert.match(String(body['message']), says);
    }
    const { status } = await plane.admin.call('PATCH', `${PATH}/fixed`, { spec: { kazoo: { prefetch: 5 } } }, MERGE);
    assert.equal(status, 200);
  });

  test('is scaled by its scale subresource', async () => {
    await create(source('scaled'), '');
    await plane.admin.must('PATCH', `${PATH}/scaled/scale`, { spec: { replicas: 5 } }, MERGE);
    const { body } = await plane.admin.call('GET', `${PATH}/scaled`);
    assert.equal((body['spec'] as { replicas: number }).replicas, 5);
  });
});
