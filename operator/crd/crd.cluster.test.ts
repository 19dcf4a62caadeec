import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { startControlPlane, type ControlPlane } from '../../testing/control-plane/control-plane.ts';
import { installCrd } from '../testing/install-crd.ts';
import { FULL_SPEC, MINIMAL_SPEC, SENTINEL_REDIS, subscription } from '../testing/resources.ts';
import { WRONG_RESOURCES } from '../testing/wrong-resources.ts';

const PATH = '/apis/firehose.dev/v1alpha1/namespaces/default/firehosesubscriptions';
/** Like kubectl: an unknown field is an error. */
const STRICT = '?fieldValidation=Strict&dryRun=All';

describe('the API server', () => {
  let plane: ControlPlane;
  before(async () => {
    plane = await startControlPlane({ controllers: 'none' });
    await installCrd(plane);
  });
  after(() => plane[Symbol.asyncDispose]());

  const create = (resource: object, query = STRICT) => plane.admin.call('POST', `${PATH}${query}`, resource);

  /** How both readers read a resource: the API server adds every default except those listed below. */
  const readBoth = (body: Readonly<Record<string, unknown>>, spec?: object) =>
    assert.deepEqual(
      subscriptionSchema.parse(subscription('acme', body['spec'] as object)).spec,
      subscriptionSchema.parse(subscription('acme', spec)).spec,
    );

  test('takes the smallest resource and fills in what a file gets, to the letter', async () => {
    const { status, body } = await create(subscription('acme'));
    assert.equal(status, 201);
    const { consumerGroups: _, ...expected } = subscriptionSchema.parse(subscription('acme')).spec;
    const { consumerGroups, ...filled } = body['spec'] as { consumerGroups: unknown };
    assert.deepEqual(filled, expected);
    assert.deepEqual(consumerGroups, [{ name: 'default' }]);
    readBoth(body);
  });

  test('leaves the elements of lists as they were written: tools that compare whole lists see no difference', async () => {
    const topologySpreadConstraints = [{ topologyKey: 'topology.kubernetes.io/zone' }];
    const consumerGroups = [{ name: 'billing' }, { name: 'fraud', filters: { events: ['DTMF'] }, deadLetter: {} }];
    const spec = { ...MINIMAL_SPEC, consumerGroups, gateway: { podTemplate: { topologySpreadConstraints } } };
    const { status, body } = await create(subscription('acme', spec));
    assert.equal(status, 201, String(body['message']));
    const stored = body['spec'] as { consumerGroups: unknown; gateway: { podTemplate: Record<string, unknown> } };
    assert.deepEqual(stored.consumerGroups, consumerGroups);
    assert.deepEqual(stored.gateway.podTemplate['topologySpreadConstraints'], topologySpreadConstraints);
    readBoth(body, spec);
  });

  test('takes quantities as Kubernetes does: numbers with and without a fraction, and texts', async () => {
    const requests = { cpu: 0.5, memory: '512Mi', 'ephemeral-storage': 1_073_741_824 };
    const spec = { ...MINIMAL_SPEC, gateway: { resources: { requests, limits: { cpu: 2 } } } };
    const { status, body } = await create(subscription('acme', spec));
    assert.equal(status, 201, String(body['message']));
    readBoth(body, spec);
    for (const cpu of [-1, true, 'half', { m: 500 }, [1]]) {
      const wrong = await create(
        subscription('acme', { ...MINIMAL_SPEC, gateway: { resources: { requests: { cpu } } } }),
      );
      assert.equal(wrong.status, 422, JSON.stringify(cpu));
    }
  });

  test('takes a resource with every field', async () => {
    const { status, body } = await create(subscription('acme', FULL_SPEC));
    assert.equal(status, 201, String(body['message']));
    readBoth(body, FULL_SPEC);
  });

  test('takes a Redis behind sentinels, with TLS and every login', async () => {
    const spec = { ...FULL_SPEC, redis: SENTINEL_REDIS };
    const { status, body } = await create(subscription('acme', spec));
    assert.equal(status, 201, String(body['message']));
    readBoth(body, spec);
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
