import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { sourceKeys } from '../protocol/keys.ts';
import { encodeSourceGap } from '../protocol/source-gap.ts';
import type { SourceReport } from '../protocol/source-report.ts';
import { until } from '../testing/until.ts';
import type { Operator } from './build.ts';
import type { KubeObject } from './kubernetes/objects.ts';
import { selectorOf } from './resources/rendering.ts';
import { operatorWrites } from './testing/audit.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { IMAGE, runOperator } from './testing/run-operator.ts';
import { FREESWITCH_SPEC, KAZOO_SPEC, SIMULATOR_SPEC, source } from './testing/sources.ts';
import { reportOf, sourcesOf, workloadPath, type Sources } from './testing/sources-platform.ts';
import { untilSteady } from './testing/steady.ts';

const core = (plural: string, name: string) => `/api/v1/namespaces/${VOICE}/${plural}/${name}`;
const policyPath = (name: string) => `/apis/networking.k8s.io/v1/namespaces/${VOICE}/networkpolicies/${name}`;
const keysOf = (name: string) => sourceKeys('firehose:', `${VOICE}/${name}`);

interface Template {
  readonly spec: {
    readonly automountServiceAccountToken: boolean;
    readonly containers: readonly [
      { readonly image: string; readonly env: readonly { name: string; value?: string }[] },
    ];
    readonly volumes: readonly {
      readonly name: string;
      readonly projected?: { readonly sources: readonly unknown[] };
    }[];
  };
}
const templateOf = (object: KubeObject) => (object['spec'] as { template: Template }).template;

describe('a FirehoseSource', () => {
  let platform: Platform;
  let operator: Operator;
  let redis: Redis;
  let sources: Sources;
  before(async () => {
    platform = await startPlatform();
    redis = new Redis(platform.redis.url);
    sources = sourcesOf(platform);
    await platform.secrets(VOICE);
    await sources.secret('esl', { password: 'esl-canary' });
    await sources.secret('amqp', { url: 'amqps://u:amqp-canary@10.0.0.9/v' });
    operator = await runOperator(platform);
  });
  after(async () => {
    redis.disconnect();
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });

  const report = async (name: string, replica: string, endpoint: string, more: Partial<SourceReport> = {}) => {
    const { key, field, text } = reportOf(name, replica, endpoint, more);
    await redis.hset(key, field, text);
  };
  /** Reports of running replicas, until the signal: each counts for some seconds. */
  const keepReporting = (name: string, of: () => readonly (readonly [string, string, Partial<SourceReport>?])[]) => {
    const timer = setInterval(() => of().forEach((one) => void report(name, ...one).catch(() => undefined)), 500);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  };
  const deployment = (name: string) => until(`the Deployment of ${name}`, () => platform.get(workloadPath(name)));

  test('becomes one Deployment that holds what it needs and nothing more', async () => {
    await sources.create('pbx', FREESWITCH_SPEC);
    const made = await deployment('pbx');
    const { spec } = templateOf(made);
    assert.equal(spec.automountServiceAccountToken, false);
    assert.equal(spec.containers[0].image, IMAGE);
    assert.deepEqual(spec.volumes.find(({ name }) => name === 'secrets')?.projected?.sources, [
      { secret: { name: 'esl', items: [{ key: 'password', path: 'esl/password' }] } },
      { secret: { name: 'esl', items: [{ key: 'username', path: 'esl/username' }], optional: true } },
    ]);
    assert.doesNotMatch(JSON.stringify(made), /canary/);
    const file = (await platform.get(core('configmaps', 'pbx-source')))?.['data'] as { 'source.yaml': string };
    assert.match(file['source.yaml'], /kind: FirehoseSource[^]*host: fs1\.voip\.svc[^]*port: 8021/);
    const policy = await until('the policy', () => platform.get(policyPath('pbx-source')));
    const { egress } = policy['spec'] as { egress: readonly object[] };
    const port = Number(new URL(platform.redis.url).port);
    assert.deepEqual(egress.slice(1), [
      { to: [{ ipBlock: { cidr: '127.0.0.1/32' } }], ports: [{ protocol: 'TCP', port }] },
      { ports: [{ protocol: 'TCP', port: 8_021 }] },
    ]);
    assert.deepEqual(
      made.metadata.ownerReferences?.map(({ kind, name }) => [kind, name]),
      [['FirehoseSource', 'pbx']],
    );
  });

  test('tells which switches it listens to, and the last gap, from what replicas report', async () => {
    await sources.markReady('pbx');
    assert.equal((await sources.is('pbx', 'Connected', ({ status }) => status === 'Unknown')).reason, 'NoReport');
    let fs2: Partial<SourceReport> = { state: 'Waiting', reason: 'Credentials', instance: '' };
    using _ = keepReporting('pbx', () => [
      ['a', 'fs1', { leading: true }],
      ['b', 'fs1'],
      ['a', 'fs2', fs2],
    ]);
    const away = await sources.is('pbx', 'Connected', ({ status }) => status === 'False');
    assert.deepEqual([away.reason, away.message], ['Credentials', 'fs2: Credentials']);
    // Only a person can fix that.
    assert.equal((await sources.is('pbx', 'Ready', ({ reason }) => reason === 'Credentials')).status, 'False');
    fs2 = { state: 'Waiting', reason: 'Unreachable', instance: '' };
    await sources.is('pbx', 'Ready', ({ status }) => status === 'True');
    assert.equal((await sources.condition('pbx', 'Degraded'))?.reason, 'Unreachable');
    assert.equal((await sources.status('pbx')).connected, '1/2');

    fs2 = {};
    const to = Date.now();
    const gap = {
      source: `${VOICE}/pbx`,
      endpoint: 'fs2',
      reason: 'connection_lost',
      legs_ended: 1,
      legs_begun: 0,
    } as const;
    await redis.hset(keysOf('pbx').gaps, 'fs2', encodeSourceGap({ ...gap, from: to - 5_000, to }));
    await sources.is('pbx', 'Connected', ({ status }) => status === 'True');
    const status = await sources.status('pbx');
    assert.deepEqual([status.type, status.connected, status.lastGap?.reason], ['FreeSWITCH', '2/2', 'connection_lost']);
    assert.deepEqual(
      status.endpoints?.map(({ name, state, instance }) => [name, state, instance]),
      [
        ['fs1', 'Live', '83ca7152'],
        ['fs2', 'Live', '83ca7152'],
      ],
    );
    assert.equal(await sources.condition('pbx', 'Degraded'), undefined);
    const table = await platform.plane.kubectl(['get', 'fhsrc', '-n', VOICE, 'pbx']);
    assert.match(table, /^NAME +TYPE +READY +CONNECTED +LAST GAP +AGE\npbx +FreeSWITCH +True +2\/2 +\d+s/);
    assert.equal(await sources.condition('pbx', 'Bound'), undefined);

    // Reports change continuously, but their meaning does not.
    await untilSteady(platform, operator, 3);
    const start = Date.now();
    await untilSteady(platform, operator, 3);
    assert.deepEqual(await operatorWrites(platform.plane, start), []);
    assert.doesNotMatch(JSON.stringify([status, await platform.events()]), /canary/);
  });

  test('a changed endpoint is in the file of the same pods; what is not followed replaces them', async () => {
    const before = JSON.stringify(templateOf(await deployment('pbx')));
    const [fs1, fs2] = FREESWITCH_SPEC.freeswitch.endpoints;
    await sources.patch('pbx', { spec: { freeswitch: { endpoints: [fs1, { ...fs2, host: 'elsewhere.voip.svc' }] } } });
    await until('the file', async () =>
      JSON.stringify(await platform.get(core('configmaps', 'pbx-source'))).includes('elsewhere.voip.svc'),
    );
    assert.equal(JSON.stringify(templateOf(await deployment('pbx'))), before);
    await sources.patch('pbx', { spec: { lostCalls: 'None' } });
    await until('other pods', async () => JSON.stringify(templateOf(await deployment('pbx'))) !== before);
  });

  test('stops while it is suspended, and says so', async () => {
    await sources.patch('pbx', { spec: { suspend: true } });
    await until('no replica', async () => ((await deployment('pbx'))['spec'] as { replicas: number }).replicas === 0);
    await sources.is('pbx', 'Suspended', ({ status }) => status === 'True');
    assert.equal((await sources.condition('pbx', 'Ready'))?.reason, 'Suspended');
    await sources.patch('pbx', { spec: { suspend: false } });
    await until('replicas', async () => ((await deployment('pbx'))['spec'] as { replicas: number }).replicas === 2);
  });

  test('two sources and a subscription of one name live beside each other', async () => {
    await platform.create('pbx');
    await sources.create('other', SIMULATOR_SPEC);
    await until('the gateways', () => platform.get(deploymentPath('pbx')));
    await deployment('other');
    await sources.markReady('other');
    const simulated = await sources.is('other', 'Ready', ({ status }) => status === 'True');
    assert.equal(simulated.reason, 'Publishing');
    assert.equal((await sources.status('other')).type, 'Simulator');
    const selectors = [workloadPath('pbx'), workloadPath('other'), deploymentPath('pbx')].map(async (path) =>
      JSON.stringify(((await platform.get(path))?.['spec'] as { selector?: unknown } | undefined)?.selector),
    );
    assert.equal(new Set(await Promise.all(selectors)).size, 3);
    await until(
      'its references',
      async () => (await platform.condition('pbx', 'ReferencesResolved'))?.status === 'True',
    );
  });

  test('with the annotation nothing waits for its deletion', async () => {
    const { admin } = platform.plane;
    const made = source('chart', FREESWITCH_SPEC, VOICE);
    const annotations = { 'firehose.dev/skip-redis-cleanup': 'true' };
    const path = `/apis/firehose.dev/v1alpha1/namespaces/${VOICE}/firehosesources`;
    await admin.must('POST', path, { ...made, metadata: { ...made.metadata, annotations } });
    await deployment('chart');
    assert.equal((await sources.get('chart'))?.metadata.finalizers, undefined);
    await sources.remove('chart');
    assert.equal(await sources.get('chart'), null);
  });

  test('names everything that is missing, and starts once it is there', async () => {
    const endpoints = [{ name: 'fs1', host: 'fs1', credentialsSecretRef: { name: 'later' } }];
    await sources.create('missing', { ...FREESWITCH_SPEC, freeswitch: { endpoints } });
    const finding = await sources.is('missing', 'ReferencesResolved', ({ status }) => status === 'False');
    assert.match(finding.message, /freeswitch\.endpoints\[fs1\]\.credentialsSecretRef: there is no Secret later/);
    assert.equal(await platform.get(workloadPath('missing')), null);
    await sources.secret('later', { password: 'x' });
    await deployment('missing');
  });

  test('Kazoo: a broker is found by its Secret, and bindings are a condition', async () => {
    await sources.create('bus', KAZOO_SPEC);
    await deployment('bus');
    await sources.markReady('bus');
    const policy = await until('the policy', () => platform.get(policyPath('bus-source')));
    const { egress } = policy['spec'] as { egress: readonly object[] };
    assert.deepEqual(egress.at(-1), {
      to: [{ ipBlock: { cidr: '10.0.0.9/32' } }],
      ports: [{ protocol: 'TCP', port: 5_671 }],
    });
    let bound = false;
    using _ = keepReporting('bus', () => [['a', 'broker', { bound }]]);
    const unbound = await sources.is('bus', 'Bound', ({ status }) => status === 'False');
    assert.equal(unbound.reason, 'BindingsMissing');
    // The queue is served, and later bindings exist.
    await sources.is('bus', 'Ready', ({ status }) => status === 'True');
    bound = true;
    await sources.is('bus', 'Bound', ({ status }) => status === 'True');
  });

  test('a pod that crashes has the last word', async () => {
    const { admin } = platform.plane;
    const pod = {
      metadata: { name: 'other-source-1', labels: selectorOf('other', 'source') },
      spec: { containers: [{ name: 'source', image: IMAGE }] },
    };
    await admin.must('POST', `/api/v1/namespaces/${VOICE}/pods`, pod);
    const terminated = {
      exitCode: 2,
      finishedAt: '2026-01-01T00:00:00Z',
      message: JSON.stringify({ level: 60, msg: 'environment: FIREHOSE_SOURCE_FILE: a file' }),
    };
    const status = {
      containerStatuses: [
        { name: 'source', image: IMAGE, imageID: '', ready: false, restartCount: 3, lastState: { terminated } },
      ],
    };
    await admin.must('PATCH', `${core('pods', 'other-source-1')}/status`, { status }, 'application/merge-patch+json');
    const gone = { status: { readyReplicas: 0, availableReplicas: 0, updatedReplicas: 2, replicas: 2 } };
    await admin.must('PATCH', `${workloadPath('other')}/status`, gone, 'application/merge-patch+json');
    const ready = await sources.is('other', 'Ready', ({ reason }) => reason === 'SourceCrashing');
    assert.match(ready.message, /other-source-1 ended with exit code 2: environment: FIREHOSE_SOURCE_FILE/);
  });

  test('a source whose streams have another number of partitions does not start', async () => {
    await redis.hset('parted:{0}:meta', 'partitions', '8');
    await sources.create('parted', { ...SIMULATOR_SPEC, redis: { ...SIMULATOR_SPEC.redis, keyPrefix: 'parted:' } });
    const found = await sources.is('parted', 'Ready', ({ reason }) => reason === 'PartitionsMismatch');
    assert.match(found.message, /have 8 partitions, and not 4/);
    assert.equal((await sources.condition('parted', 'Stalled'))?.status, 'True');
    assert.equal(await platform.get(workloadPath('parted')), null);
  });

  test('leaves nothing in Redis when it is deleted, waits for its replicas, and touches no other', async () => {
    await report('pbx', 'killed', 'fs1', { at: 0 });
    await redis.hset(keysOf('pbx').positions, 'fs1', '{}');
    await redis.set(keysOf('pbx').lead('fs1'), 'a:1');
    await redis.hset(keysOf('pbx').legs('former'), 'x', '{}');
    await redis.hset(keysOf('pbx').positions, 'former', '{}');
    {
      using _ = keepReporting('pbx', () => [['a', 'fs1']]);
      await sources.remove('pbx');
      await until('the pods told to go', async () => (await platform.get(workloadPath('pbx'))) === null);
      assert.notEqual(await sources.get('pbx'), null, 'a replica still reports');
    }
    await until('pbx gone', async () => {
      await redis.hdel(keysOf('pbx').reports, 'a/fs1', 'b/fs1', 'a/fs2');
      return (await sources.get('pbx')) === null;
    });
    assert.deepEqual(await redis.keys('firehose:{source:voice/pbx}:*'), []);
    assert.notDeepEqual(await redis.keys('firehose:{source:voice/bus}:*'), []);
    await sources.remove('other');
    await until('the simulator gone', async () => (await sources.get('other')) === null);
  });

  test('deletion ends although the Secret that says where Redis is, is gone, and names what is left', async () => {
    await platform.plane.admin.must('DELETE', core('secrets', 'firehose-redis'));
    await operator[Symbol.asyncDispose]();
    operator = await runOperator(platform);
    await sources.remove('bus');
    await until('bus gone', async () => (await sources.get('bus')) === null);
    await until('what is left is named', async () => (await platform.events()).map(({ message }) => message), {
      holds: (seen) =>
        seen.some((message) => message.includes('left in Redis: the keys firehose:{source:voice/bus}:*')),
    });
  });
});
