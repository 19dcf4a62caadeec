import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { accountsOfGroup } from '../protocol/keys.ts';
import type { Operator } from './build.ts';
import type { KubeObject } from './kubernetes/objects.ts';
import { operatorWrites } from './testing/audit.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { MINIMAL_SPEC, ownGroup } from './testing/resources.ts';
import { runOperator } from './testing/run-operator.ts';
import { morePasses, untilSteady } from './testing/steady.ts';
import { until } from '../testing/until.ts';

const core = (plural: string, name: string) => `/api/v1/namespaces/${VOICE}/${plural}/${name}`;
const replicasOf = (deployment: KubeObject | null) =>
  (deployment?.['spec'] as { replicas?: number } | undefined)?.replicas;
const MERGE = 'application/merge-patch+json';

describe('one resource', () => {
  let platform: Platform;
  let operator: Operator;
  let redis: Redis;
  before(async () => {
    platform = await startPlatform();
    redis = new Redis(platform.redis.url);
    await platform.secrets(VOICE);
    operator = await runOperator(platform, { environment: { FIREHOSE_RESYNC_SECONDS: '2' } });
  });
  after(async () => {
    redis.disconnect();
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });

  const ready = async (name: string) => (await platform.condition(name, 'Ready'))?.status === 'True';
  const groupsOf = async (prefix: string) => JSON.stringify(await redis.xinfo('GROUPS', `${prefix}{0}:events`));

  test('becomes objects, groups in Redis, and Ready as soon as its pods are', async () => {
    await platform.create('acme');
    await until('a Deployment', () => platform.get(deploymentPath('acme')));
    assert.match(await groupsOf('firehose:'), /voice\/acme\/default/);
    await until('a first status', async () => (await platform.condition('acme', 'Ready'))?.status === 'False');
    assert.equal((await platform.condition('acme', 'Reconciling'))?.status, 'True');
    await platform.markReady('acme');
    await until('Ready', () => ready('acme'));
    const table = await platform.plane.kubectl(['get', 'fhs', '-n', VOICE]);
    assert.match(table, /NAME +READY +REASON +ACCOUNT +REPLICAS +CONNECTIONS +LAG +AGE/);
    assert.match(table, /acme +True +Serving +4a6f2c1e9b +2\/2 +0 +0 /);
    await platform.plane.kubectl(['wait', '--for=condition=Ready', '-n', VOICE, 'fhs/acme', '--timeout=90s']);
    await until('an event', async () =>
      / Normal +Ready /.test(await platform.plane.kubectl(['describe', 'fhs', '-n', VOICE, 'acme'])),
    );
  });

  test('I9: writes nothing while it stands still, over three resyncs', async () => {
    await untilSteady(platform, operator, 3);
    const start = Date.now();
    await Promise.all([morePasses(operator, 4), delay(6_500)]);
    assert.deepEqual(await operatorWrites(platform.plane, start), []);
  });

  test('drift by hand is healed: changed, scaled, deleted', async () => {
    const { admin } = platform.plane;
    await admin.must('PATCH', core('services', 'acme'), { spec: { selector: { app: 'other' } } }, MERGE);
    await admin.must('PATCH', deploymentPath('acme'), { spec: { replicas: 7 } }, MERGE);
    await admin.must('PATCH', core('configmaps', 'acme-config'), { data: { 'subscription.yaml': 'x' } }, MERGE);
    await admin.must('DELETE', core('services', 'acme-inner'));
    await admin.must('DELETE', core('secrets', 'acme-signing-keys'));
    await admin.must('DELETE', core('secrets', 'acme-admin-token'));
    await until('healed', async () => {
      const service = await platform.get(core('services', 'acme'));
      const deployment = await platform.get(deploymentPath('acme'));
      const config = await platform.get(core('configmaps', 'acme-config'));
      return (
        JSON.stringify(service?.['spec']).includes('"app.kubernetes.io/instance":"acme"') &&
        replicasOf(deployment) === 2 &&
        JSON.stringify(config?.['data']).includes('4a6f2c1e9b') &&
        (await platform.get(core('services', 'acme-inner'))) !== null &&
        (await platform.get(core('secrets', 'acme-signing-keys'))) !== null &&
        (await platform.get(core('secrets', 'acme-admin-token'))) !== null
      );
    });
  });

  test('a hundred changes in ten seconds converge to the last', async () => {
    const flips = Array.from({ length: 100 }, (_, index) => 9_000 + index);
    for (const port of flips) {
      await platform.patch('acme', { spec: { gateway: { service: { port } } } });
      await delay(50);
    }
    await until('the last port', async () => {
      const service = await platform.get(core('services', 'acme'));
      const status = await platform.status('acme');
      const generation = (await platform.fhs('acme'))?.metadata.generation;
      return JSON.stringify(service?.['spec']).includes('"port":9099') && status.observedGeneration === generation;
    });
    assert.match((await platform.status('acme')).endpoint?.url ?? '', /:9099\//);
  });

  test('filters reach the gateways by their file, and replace no pod; what they read at their start does', async () => {
    const templateOf = async () => {
      const deployment = await platform.get(deploymentPath('acme'));
      return JSON.stringify((deployment?.['spec'] as { template?: unknown } | undefined)?.template);
    };
    const before = await templateOf();
    await platform.patch('acme', { spec: { filters: { events: ['CHANNEL_ANSWER'] }, gateway: { replicas: 3 } } });
    await until('the file', async () => {
      const config = await platform.get(core('configmaps', 'acme-config'));
      return JSON.stringify(config?.['data']).includes('CHANNEL_ANSWER');
    });
    await until('three', async () => replicasOf(await platform.get(deploymentPath('acme'))) === 3);
    assert.equal(await templateOf(), before);
    await platform.patch('acme', { spec: { gateway: { connections: { drainTimeout: '90s' } } } });
    await until('new pods', async () => (await templateOf()) !== before);
    assert.match(await templateOf(), /"terminationGracePeriodSeconds":105/);
  });

  test('a group is made when it is declared, and goes or stays as its policy says', async () => {
    const declare = (...consumerGroups: object[]) => platform.patch('acme', { spec: { consumerGroups } });
    await declare(ownGroup('default'), ownGroup('billing'), { ...ownGroup('fraud'), deletionPolicy: 'Retain' });
    await until('both', async () =>
      /acme\/billing.*acme\/fraud|acme\/fraud.*acme\/billing/.test(await groupsOf('firehose:')),
    );
    await until('status', async () => (await platform.status('acme')).consumerGroups?.length === 3);
    await declare(ownGroup('default'));
    await until('billing gone', async () => !(await groupsOf('firehose:')).includes('acme/billing'));
    assert.match(await groupsOf('firehose:'), /acme\/fraud/);
    await until('told of', async () => {
      const groups = (await platform.status('acme')).consumerGroups?.map(({ name }) => name);
      return JSON.stringify(groups) === '["default","fraud"]';
    });
  });

  test('a suspended resource runs nothing and keeps its groups', async () => {
    await platform.patch('acme', { spec: { suspend: true } });
    await until('suspended', async () => (await platform.condition('acme', 'Suspended'))?.status === 'True');
    const deployment = await platform.get(deploymentPath('acme'));
    assert.equal(replicasOf(deployment), 0);
    assert.deepEqual(
      [(await platform.condition('acme', 'Ready'))?.reason, await platform.condition('acme', 'Stalled')],
      ['Suspended', undefined],
    );
    assert.match(await groupsOf('firehose:'), /acme\/default/);
    const isSaid = async (words: RegExp) => words.test((await platform.condition('acme', 'Suspended'))?.message ?? '');
    await platform.markReady('acme', VOICE, 1);
    await until('the last one drains', () => isSaid(/gateways that drain still: 1$/));
    await platform.markReady('acme', VOICE, 0);
    await until('it has drained', () => isSaid(/no gateway runs$/));
    await platform.patch('acme', { spec: { suspend: false } });
    await until('back', async () => replicasOf(await platform.get(deploymentPath('acme'))) === 3);
    await platform.markReady('acme');
  });

  test('lag and memory of the streams are told', async () => {
    // A connection has used the group.
    const { accounts } = accountsOfGroup('firehose:', { resource: `${VOICE}/acme`, group: 'default' });
    await redis.hset(accounts, MINIMAL_SPEC.account.id, JSON.stringify({ since: 1, used: 1, grant: '' }));
    await redis.xadd('firehose:{1}:events', '*', 'm', '1\tCHANNEL_CREATE\tacme', 'd', '{}');
    // Numbers are written at most every 30 s, unless something else changes.
    await platform.patch('acme', { spec: { gateway: { service: { port: 9_443 } } } });
    const status = await until('lag', async () => {
      const now = await platform.status('acme');
      return (now.lag ?? 0) > 0 ? now : null;
    });
    const group = status.consumerGroups?.find(({ name }) => name === 'default');
    assert.deepEqual([group?.lag, group?.lagExact, status.stream?.length], [1, true, 1]);
    assert.ok((status.stream?.bytes ?? 0) > 0 && status.redis?.persistence === 'None');
  });
});
