import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, describe, test } from 'node:test';
import { streamKeys } from '../protocol/keys.ts';
import { makeCertificates } from '../testing/certificates.ts';
import { startCluster, type RedisCluster } from '../testing/redis-cluster.ts';
import { ask } from '../testing/redis-process.ts';
import { MASTER_NAME, startSentinel } from '../testing/redis-sentinel.ts';
import type { Operator } from './build.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { GROUPED_SPEC, ownGroup } from './testing/resources.ts';
import { runOperator } from './testing/run-operator.ts';
import { until } from '../testing/until.ts';

const PARTITIONS = 4;
const SECRETS = `/api/v1/namespaces/${VOICE}/secrets`;

/** Real sentinels and a real cluster: the gateways find what the operator creates. */
describe('a Redis of several servers', () => {
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

  const secret = (name: string, stringData: object) =>
    platform.plane.admin.must('POST', SECRETS, { metadata: { name }, stringData });
  const create = (name: string, redis: object) =>
    platform.create(name, { ...GROUPED_SPEC, redis, consumerGroups: [ownGroup('default'), ownGroup('billing')] });
  const isReady = async (name: string) => {
    await platform.markReady(name);
    return (await platform.condition(name, 'Ready'))?.status === 'True';
  };
  const remove = (name: string) =>
    platform.plane.admin.must(
      'DELETE',
      `/apis/firehose.dev/v1alpha1/namespaces/${VOICE}/firehosesubscriptions/${name}`,
    );
  const isGone = (name: string) => until(`${name} gone`, async () => (await platform.fhs(name)) === null);
  const groupsAt = async (port: number, partition: number) => {
    const key = streamKeys('firehose:', partition).events;
    return JSON.stringify(await ask(port, ['xinfo', 'groups', key]).catch(() => null));
  };

  test('Sentinel: the login to the sentinels is missed by name, then everything is on the master', async () => {
    await using sentinel = await startSentinel({ sentinelPassword: 'sesame' });
    await secret('sentinels', { url: sentinel.url });
    const named = { masterName: MASTER_NAME, loginSecretName: 'sentinel-login' };
    await create('watched', { mode: 'Sentinel', urlSecretRef: { name: 'sentinels' }, sentinel: named });
    await until('missed', async () =>
      /redis\.sentinel\.loginSecretName: there is no Secret sentinel-login /.test(
        (await platform.condition('watched', 'ReferencesResolved'))?.message ?? '',
      ),
    );
    await secret('sentinel-login', { password: 'sesame' });
    await until('Ready', () => isReady('watched'));
    const rendered = JSON.stringify(await platform.get(deploymentPath('watched')));
    assert.match(rendered, /"REDIS_SENTINEL_PASSWORD","valueFrom":\{"secretKeyRef":\{"name":"sentinel-login"/);

    const old = await sentinel.master();
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      assert.match(await groupsAt(old.port, partition), /watched\/billing.*watched\/default/);
    }
    await old.kill();
    const next = await sentinel.failedOver(old);
    await platform.patch('watched', { spec: { consumerGroups: ['default', 'billing', 'fraud'].map(ownGroup) } });
    await until('the new group on the new master', async () =>
      (await groupsAt(next.port, PARTITIONS - 1)).includes('watched/fraud'),
    );
    await until('Ready again', () => isReady('watched'));

    await remove('watched');
    await isGone('watched');
    assert.equal(await groupsAt(next.port, 0), '[]');
  });

  test('Cluster over TLS: groups lie on the shard of their partition, also after its slot has moved', async () => {
    await using tls = await makeCertificates();
    await using cluster = await startCluster({ tls });
    await secret('cluster', { url: cluster.url });
    await secret('authority', { 'ca.crt': await readFile(tls.caFile, 'utf8') });
    await create('sharded', {
      mode: 'Cluster',
      urlSecretRef: { name: 'cluster' },
      tls: { caSecretRef: { name: 'authority' }, serverName: 'localhost' },
    });
    await until('Ready', () => isReady('sharded'));
    const everywhere = async (part: RegExp) => {
      const found = await Promise.all(
        Array.from({ length: PARTITIONS }, async (_, partition) =>
          groupsAt(await portOf(cluster, partition), partition),
        ),
      );
      return found.every((groups) => part.test(groups));
    };
    assert.ok(await everywhere(/sharded\/billing.*sharded\/default/));
    const ports = await Promise.all(Array.from({ length: PARTITIONS }, (_, at) => portOf(cluster, at)));
    assert.ok(new Set(ports).size > 1, 'the partitions are of more than one shard');

    const { events } = streamKeys('firehose:', 0);
    const from = await cluster.masterOf(events);
    const to = cluster.masters.find(({ id }) => id !== from.id) ?? from;
    await cluster.moveSlot(events, to);
    await platform.patch('sharded', { spec: { consumerGroups: ['default', 'billing', 'fraud'].map(ownGroup) } });
    await until('the new group on every shard', () => everywhere(/sharded\/fraud/));
    assert.match(await groupsAt(to.port, 0), /sharded\/fraud/);
    await ask(to.port, ['xadd', events, '*', 'm', '1\tCHANNEL_CREATE\tacme', 'd', '{}']);
    await platform.patch('sharded', { spec: { gateway: { service: { port: 9_444 } } } });
    const { stream } = await until('the entry counted', async () => {
      const status = await platform.status('sharded');
      return status.stream?.length === 1 ? status : null;
    });
    assert.equal(stream?.partitions, PARTITIONS);

    await remove('sharded');
    await isGone('sharded');
    assert.ok(await everywhere(/^\[\]$/));
  });

  test('a shard that is away is said, and what needs no Redis goes on', async () => {
    await using cluster = await startCluster();
    await secret('halved', { url: cluster.url });
    await create('halved', { mode: 'Cluster', urlSecretRef: { name: 'halved' }, keyPrefix: 'halved:' });
    await until('Ready', () => isReady('halved'));
    const { events } = streamKeys('halved:', 0);
    await (await cluster.masterOf(events)).kill();
    await until('said', async () => {
      const [connected, groups] = [
        await platform.condition('halved', 'RedisConnected'),
        await platform.condition('halved', 'ConsumerGroupsReady'),
      ];
      return connected?.status !== 'True' || groups?.status !== 'True';
    });
    await platform.patch('halved', { spec: { gateway: { service: { port: 9_445 } } } });
    await until('the Service changed', async () =>
      JSON.stringify(await platform.get(`/api/v1/namespaces/${VOICE}/services/halved`)).includes('"port":9445'),
    );
    await remove('halved');
    await isGone('halved');
    await until('what is left is named', async () =>
      (await platform.events()).some(
        ({ reason, message }) => reason === 'RedisNotCleanedUp' && message.includes('halved/billing'),
      ),
    );
  });
});

/** Of the master with the stream of this partition. */
async function portOf(cluster: RedisCluster, partition: number): Promise<number> {
  return (await cluster.masterOf(streamKeys('firehose:', partition).events)).port;
}
