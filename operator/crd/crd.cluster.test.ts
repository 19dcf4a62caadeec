import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { startControlPlane, type ControlPlane } from '../../testing/control-plane/control-plane.ts';
import { installCrd } from '../testing/install-crd.ts';
import { FULL_SPEC, MINIMAL_SPEC, SENTINEL_REDIS, subscription } from '../testing/resources.ts';
import { WRONG_RESOURCES } from '../testing/wrong-resources.ts';

const PATH = '/apis/firehose.dev/v1alpha1/namespaces/default/firehosesubscriptions';
/** As kubectl asks: an unknown field is an error. */
const STRICT = '?fieldValidation=Strict&dryRun=All';

describe('the API server', () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane({ controllers: 'none' });
    await installCrd(plane);
  });
  after(() => plane[Symbol.asyncDispose]());

  const create = (resource: object, query = STRICT) => plane.admin.call('POST', `${PATH}${query}`, resource);

  test('takes the smallest resource and fills in what a file gets, to the letter', async () => {
    const { status, body } = await create(subscription('acme'));
    assert.equal(status, 201);
    assert.deepEqual(body['spec'], subscriptionSchema.parse(subscription('acme')).spec);
  });

  test('takes a resource with every field', async () => {
    const { status, body } = await create(subscription('acme', FULL_SPEC));
    assert.equal(status, 201, String(body['message']));
    assert.deepEqual(body['spec'], subscriptionSchema.parse(subscription('acme', FULL_SPEC)).spec);
  });

  test('takes a Redis behind sentinels, with TLS and every login', async () => {
    const spec = { ...FULL_SPEC, redis: SENTINEL_REDIS };
    const { status, body } = await create(subscription('acme', spec));
    assert.equal(status, 201, String(body['message']));
    assert.deepEqual(body['spec'], subscriptionSchema.parse(subscription('acme', spec)).spec);
  });

  for (const { what, spec, says } of WRONG_RESOURCES) {
    test(`refuses ${what}, and says why`, async () => {
      const { status, body } = await create(subscription('acme', spec));
      assert.ok(status === 422 || status === 400, `${status} ${JSON.stringify(body)}`);
      assert.match(String(body['message']), says);
    });
  }

  test('refuses names that its Services could not have', async () => {
    for (const name of ['1acme', 'a.b', 'a'.repeat(45)]) {
      const { status, body } = await create(subscription(name));
      assert.equal(status, 422);
      assert.match(String(body['message']), /DNS label/);
    }
  });

  test('keeps what must not change', async () => {
    const made = subscription('fixed', { ...MINIMAL_SPEC, consumerGroups: [{ name: 'billing' }] });
    assert.equal((await create(made, '')).status, 201);
    const changes: [object, RegExp][] = [
      [{ account: { id: 'other' } }, /account\.id cannot be changed/],
      [{ redis: { keyPrefix: 'other:' } }, /keyPrefix cannot be changed/],
      [{ redis: { mode: 'Cluster' } }, /redis\.mode cannot be changed/],
      [{ stream: { partitions: 5 } }, /partitions cannot be changed/],
      [{ consumerGroups: [{ name: 'billing', startPosition: 'Earliest' }] }, /start of a consumer group cannot be/],
    ];
    for (const [spec, says] of changes) {
      const type = 'application/merge-patch+json';
      const { status, body } = await plane.admin.call('PATCH', `${PATH}/fixed`, { spec }, type);
      assert.equal(status, 422);
      assert.match(String(body['message']), says);
    }
  });

  test('is scaled by its scale subresource', async () => {
    await create(subscription('scaled'), '');
    const type = 'application/merge-patch+json';
    await plane.admin.must('PATCH', `${PATH}/scaled/scale`, { spec: { replicas: 5 } }, type);
    const { body } = await plane.admin.call('GET', `${PATH}/scaled`);
    assert.equal((body['spec'] as { gateway: { replicas: number } }).gateway.replicas, 5);
  });
});
