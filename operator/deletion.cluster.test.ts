import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { encodeHeartbeat } from '../protocol/heartbeat.ts';
import { replicaKeys } from '../protocol/keys.ts';
import { recordedLogger } from '../testing/recorded-logger.ts';
import { startRedis } from '../testing/redis-server.ts';
import type { Operator } from './build.ts';
import type { KubeObject } from './kubernetes/objects.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { GROUPED_SPEC } from './testing/resources.ts';
import { runOperator } from './testing/run-operator.ts';
import { until } from '../testing/until.ts';

/** The namespace controller searches for new kinds only every 30 s, and again when it has missed one. */
const LONG = { timeout: 240_000 };
const MERGE = 'application/merge-patch+json';
const fhsPath = (name: string, namespace = VOICE) =>
  `/apis/firehose.dev/v1alpha1/namespaces/${namespace}/firehosesubscriptions/${name}`;
const core = (plural: string, name: string, namespace = VOICE) => `/api/v1/namespaces/${namespace}/${plural}/${name}`;

/**
 * With all of Kubernetes' own controllers: pods are created (and never run), objects of deleted owners are collected,
 * namespaces are emptied.
 */
const HEARTBEAT = encodeHeartbeat({ keys: [], connections: 0, groups: {}, revision: '', leaving: false });

describe('beginning and end', () => {
  let platform: Platform;
  let operator: Operator;
  let redis: Redis;
  const { lines, logger } = recordedLogger('debug');
  before(async () => {
    platform = await startPlatform('all');
    redis = new Redis(platform.redis.url);
    await platform.secrets(VOICE);
    operator = await runOperator(platform, { logger });
  });
  after(async () => {
    redis.disconnect();
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });

  const must = (method: string, path: string, body?: unknown, type?: string) =>
    platform.plane.admin.must(method, path, body, type);
  const remove = (name: string, namespace = VOICE) => must('DELETE', fhsPath(name, namespace));
  const isGone = (name: string, namespace = VOICE) =>
    until(`${name} gone`, async () => (await platform.fhs(name, namespace)) === null);
  const settled = (name: string, namespace = VOICE) =>
    until(
      `${name} settled`,
      async () => (await platform.condition(name, 'ConsumerGroupsReady', namespace))?.status === 'True',
    );
  const told = (reason: string, part: RegExp) =>
    until(`an event ${reason}`, async () =>
      (await platform.events()).find((event) => event.reason === reason && part.test(event.message)),
    );
  const withPrefix = (keyPrefix: string, more: object = {}) => ({
    ...GROUPED_SPEC,
    redis: { urlSecretRef: { name: 'firehose-redis' }, keyPrefix },
    ...more,
  });

  test('is Ready once its real pods are, as the cluster says it', async () => {
    await platform.create('acme', withPrefix('acme:', { gateway: { replicas: 1 } }));
    const pods = `/api/v1/namespaces/${VOICE}/pods`;
    const pod = await until('a pod', async () => ((await must('GET', pods))['items'] as KubeObject[])[0]);
    const now = new Date(Date.now() - 60_000).toISOString();
    const conditions = ['Ready', 'ContainersReady'].map((type) => ({ type, status: 'True', lastTransitionTime: now }));
    await must('PATCH', `${pods}/${pod.metadata.name}/status`, { status: { phase: 'Running', conditions } }, MERGE);
    await platform.plane.kubectl(['wait', '-n', VOICE, '--for=condition=Ready', 'fhs/acme', '--timeout=90s']);
    const { conditions: all } = await platform.status('acme');
    assert.equal(
      all?.find(({ type }) => type === 'Reconciling'),
      undefined,
    );
  });

  test('deleted, it takes its groups along, leaves the streams, and its objects are collected', async () => {
    await remove('acme');
    await isGone('acme');
    assert.deepEqual(await redis.xinfo('GROUPS', 'acme:{0}:events'), []);
    assert.equal((await redis.hkeys('acme:{0}:meta')).filter((field) => field.startsWith('retention:')).length, 0);
    await told('RedisCleanedUp', /consumer groups destroyed: default; streams deleted: 0/);
    await until('objects gone', async () => (await platform.get(core('services', 'acme'))) === null);
  });

  test('streams go with the last resource that uses them when the policy says so', async () => {
    const spec = withPrefix('shared:', { stream: { deletionPolicy: 'Delete' } });
    await platform.create('one', spec);
    await platform.create('two', spec);
    await Promise.all([settled('one'), settled('two')]);
    await remove('one');
    await isGone('one');
    assert.equal(await redis.exists('shared:{0}:events'), 1);
    await remove('two');
    await isGone('two');
    assert.deepEqual(await redis.keys('shared:*'), []);
  });

  test('gateways that still run are waited for: they would make again what is destroyed', async () => {
    await platform.create('busy', withPrefix('busy:'));
    await settled('busy');
    const place = replicaKeys('busy:', `${VOICE}/busy`);
    await redis.zadd(place.seen, Date.now(), 'pod');
    await redis.set(place.heartbeat('pod'), HEARTBEAT);
    await remove('busy');
    await until('no Deployment', async () => (await platform.get(deploymentPath('busy'))) === null);
    assert.match(JSON.stringify(await redis.xinfo('GROUPS', 'busy:{0}:events')), /busy\/default/);
    await redis.del(place.heartbeat('pod'));
    await isGone('busy');
    assert.deepEqual(await redis.xinfo('GROUPS', 'busy:{0}:events'), []);
  });

  test('it ends when the Secret is gone first, and the operator has forgotten everything: what is left is named', async () => {
    await must('POST', core('secrets', '').slice(0, -1), {
      metadata: { name: 'mine' },
      stringData: { url: platform.redis.url },
    });
    await platform.create('orphan', {
      ...GROUPED_SPEC,
      redis: { urlSecretRef: { name: 'mine' }, keyPrefix: 'orphan:' },
    });
    await settled('orphan');
    await operator[Symbol.asyncDispose]();
    await must('DELETE', core('secrets', 'mine'));
    await remove('orphan');
    operator = await runOperator(platform, { logger });
    await isGone('orphan');
    await told(
      'RedisNotCleanedUp',
      /voice\/orphan\/default\/<account> on the streams orphan:\{0\}:events to orphan:\{3\}:events.*Secret/,
    );
  });

  test('it ends when Redis is away for longer than the limit', async () => {
    await using other = await startRedis();
    await must('POST', core('secrets', '').slice(0, -1), {
      metadata: { name: 'away' },
      stringData: { url: other.url },
    });
    await platform.create('away', { ...GROUPED_SPEC, redis: { urlSecretRef: { name: 'away' } } });
    await settled('away');
    await other.kill();
    await until('noticed', async () => (await platform.condition('away', 'RedisConnected'))?.status === 'False');
    await remove('away');
    await isGone('away');
    await told('RedisNotCleanedUp', /voice\/away\/default.*Redis cannot be used/);
  });

  test('an annotation lets it go at once', async () => {
    await platform.create('quick', withPrefix('quick:'));
    await settled('quick');
    await platform.patch('quick', { metadata: { annotations: { 'firehose.dev/skip-redis-cleanup': 'true' } } });
    await remove('quick');
    await isGone('quick');
    assert.match(JSON.stringify(await redis.xinfo('GROUPS', 'quick:{0}:events')), /quick\/default/);
  });

  test('a paused resource is left alone until it is no more', async () => {
    await platform.create('paused', withPrefix('paused:'));
    await settled('paused');
    const pauses = () => lines.filter((line) => /"resource":"voice\/paused","why":"paused"/.test(line)).length;
    const isLeftAlone = async (change: () => Promise<unknown>) => {
      const before = pauses();
      await change();
      await until('a pass that leaves it alone', async () => pauses() > before);
    };
    const annotations = { 'firehose.dev/paused': 'true' };
    await isLeftAlone(() => platform.patch('paused', { metadata: { annotations } }));
    await isLeftAlone(() => must('DELETE', core('services', 'paused-inner')));
    await isLeftAlone(() => platform.patch('paused', { spec: { gateway: { replicas: 5 } } }));
    assert.equal(await platform.get(core('services', 'paused-inner')), null);
    await platform.patch('paused', { metadata: { annotations: { 'firehose.dev/paused': null } } });
    await until('back', () => platform.get(core('services', 'paused-inner')));
  });

  test('a deletion that waits for the end of a pause says so once, and how to end it', async () => {
    await platform.create('held', withPrefix('held:'));
    await settled('held');
    await platform.patch('held', { metadata: { annotations: { 'firehose.dev/paused': 'true' } } });
    await remove('held');
    const { message, type } = await told('DeletionPaused', /pause/);
    const command = `kubectl annotate fhs -n ${VOICE} held firehose.dev/paused-`;
    assert.deepEqual([type, message], ['Warning', `deleting it waits for the end of its pause: ${command}`]);
    const passes = () => lines.filter((line) => /"resource":"voice\/held","why":"paused"/.test(line)).length;
    for (const mark of ['one', 'two']) {
      const before = passes();
      await platform.patch('held', { metadata: { labels: { mark } } });
      await until('another pass', () => Promise.resolve(passes() > before));
    }
    const events = (await platform.events()).filter(({ reason }) => reason === 'DeletionPaused');
    assert.equal(events.length, 1);
    await platform.plane.kubectl(command.split(' ').slice(1));
    await isGone('held');
  });

  test('a namespace that goes takes everything along, groups too', LONG, async () => {
    await platform.secrets('short');
    await platform.create('acme', withPrefix('short:'), 'short');
    await settled('acme', 'short');
    await must('DELETE', '/api/v1/namespaces/short');
    await until('the namespace gone', async () => (await platform.get('/api/v1/namespaces/short')) === null, {
      limitMs: 200_000,
    });
    // The Secret may be gone first: the operator still has the last connection.
    assert.deepEqual(await redis.xinfo('GROUPS', 'short:{0}:events'), []);
  });

  test('I8: the operator away does not matter: it catches up, and restarts no pod', async () => {
    await platform.create('steady', withPrefix('steady:', { gateway: { replicas: 1 } }));
    const before = await until('a Deployment', () => platform.get(deploymentPath('steady')));
    await operator[Symbol.asyncDispose]();
    await platform.create('born-meanwhile', withPrefix('meanwhile:'));
    await remove('paused');
    operator = await runOperator(platform, { logger });
    await until('caught up', () => platform.get(deploymentPath('born-meanwhile')));
    await isGone('paused');
    const now = await platform.get(deploymentPath('steady'));
    assert.equal(now?.metadata.generation, before.metadata.generation);
  });
});
