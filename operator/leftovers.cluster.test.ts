import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Operator } from './build.ts';
import { labelsOf } from './resources/rendering.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { MINIMAL_SPEC } from './testing/resources.ts';
import { runOperator } from './testing/run-operator.ts';
import { until } from '../testing/until.ts';

const MERGE = 'application/merge-patch+json';
const core = `/api/v1/namespaces/${VOICE}`;
const own = { redis: { urlSecretRef: { name: 'firehose-redis' }, keyPrefix: 'own:' } };

describe('objects that are there before the resource', () => {
  let platform: Platform;
  let operator: Operator;
  before(async () => {
    platform = await startPlatform();
    await platform.secrets(VOICE);
    operator = await runOperator(platform);
  });
  after(async () => {
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });

  const saying = (name: string, type: string, says: RegExp) =>
    until(`${name}: ${type} says ${String(says)}`, async () => {
      const condition = await platform.condition(name, type);
      return condition !== undefined && says.test(condition.message) ? condition : null;
    });

  test('a resource that is deleted and made again at once is not told to delete anything', async () => {
    await platform.create('acme');
    await until('a Deployment', () => platform.get(deploymentPath('acme')));
    const uid = (await platform.fhs('acme'))?.metadata.uid;
    const seen = new Set<string>();
    await platform.plane.kubectl(['delete', 'fhs', '-n', VOICE, 'acme', '--wait=false']);
    await until('the former resource is gone', async () => (await platform.fhs('acme')) === null);
    await platform.create('acme');
    await until('the new Deployment', async () => {
      for (const { reason } of (await platform.status('acme')).conditions ?? []) seen.add(reason);
      const deployment = await platform.get(deploymentPath('acme'));
      return deployment?.metadata.ownerReferences?.some((owner) => owner.uid !== uid);
    });
    assert.ok(!seen.has('ObjectOwnedByOther'), [...seen].join());
    await until('not stalled', async () => (await platform.condition('acme', 'Stalled')) === undefined);
  });

  test('what a former resource left is waited for and named, and taken as soon as it is gone', async () => {
    // Its owner is gone, and a finalizer keeps it, like the slowest possible garbage collector.
    const owner = {
      apiVersion: 'firehose.dev/v1alpha1',
      kind: 'FirehoseSubscription',
      name: 'again',
      uid: '00000000-0000-4000-8000-000000000000',
      controller: true,
    };
    const metadata = {
      labels: labelsOf('again'),
      ownerReferences: [owner],
      finalizers: ['example.com/slow'],
    };
    for (const [plural, name] of [
      ['configmaps', 'again-config'],
      ['secrets', 'again-ca'],
    ]) {
      await platform.plane.admin.must('POST', `${core}/${plural}`, { metadata: { ...metadata, name } });
    }
    await platform.create('again', { ...MINIMAL_SPEC, ...own });
    const { reason } = await saying(
      'again',
      'SigningKeysReady',
      /the Secret again-ca was left by the former resource again and is being deleted/,
    );
    assert.equal(reason, 'LeftByFormerResource');
    assert.equal(await platform.condition('again', 'Stalled'), undefined);
    const release = (plural: string, name: string) =>
      platform.plane.admin.must('PATCH', `${core}/${plural}/${name}`, { metadata: { finalizers: null } }, MERGE);
    await release('secrets', 'again-ca');
    await saying('again', 'Ready', /the ConfigMap again-config was left by the former resource/);
    // No gateway mounts a ConfigMap of another owner.
    assert.equal(await platform.get(deploymentPath('again')), null);
    await release('configmaps', 'again-config');
    await until('a Deployment', () => platform.get(deploymentPath('again')));
  });

  test('what a resource deleted with `--cascade=orphan` left is taken over, and its Secrets are created again', async () => {
    await platform.create('kept', { ...MINIMAL_SPEC, redis: { ...own.redis, keyPrefix: 'kept:' } });
    await until('a Deployment', () => platform.get(deploymentPath('kept')));
    const paths = ['admin-token', 'signing-keys', 'ca', 'tls'].map((name) => `${core}/secrets/kept-${name}`);
    const contents = () => Promise.all(paths.map(async (path) => JSON.stringify((await platform.get(path))?.['data'])));
    const before = await contents();
    await platform.plane.kubectl(['delete', 'fhs', '-n', VOICE, 'kept', '--cascade=orphan']);
    for (const path of paths) assert.equal((await platform.get(path))?.metadata.ownerReferences, undefined, path);
    await platform.create('kept', { ...MINIMAL_SPEC, redis: { ...own.redis, keyPrefix: 'kept:' } });
    const uid = (await platform.fhs('kept'))?.metadata.uid;
    for (const path of [...paths, `${core}/configmaps/kept-config`, deploymentPath('kept')]) {
      await until(`${path} has its new owner`, async () => {
        return (await platform.get(path))?.metadata.ownerReferences?.some((owner) => owner.uid === uid);
      });
    }
    const after = await contents();
    assert.deepEqual(
      after.filter((content) => before.includes(content)),
      [],
    );
    assert.equal(await platform.condition('kept', 'Stalled'), undefined);
  });

  test('no gateway mounts a ConfigMap of another owner', async () => {
    await platform.plane.admin.must('POST', `${core}/configmaps`, {
      metadata: { name: 'taken-config' },
      data: { 'subscription.yaml': 'theirs' },
    });
    await platform.create('taken', { ...MINIMAL_SPEC, ...own });
    await saying('taken', 'Stalled', /the ConfigMap taken-config belongs to another owner/);
    await until(
      'the groups',
      async () => (await platform.condition('taken', 'ConsumerGroupsReady'))?.status === 'True',
    );
    assert.equal(await platform.get(deploymentPath('taken')), null);
  });
});
