import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Redis } from 'ioredis';
import { replicaKeys } from '../protocol/keys.ts';
import type { Operator } from './build.ts';
import { OWN_RULES, WATCHED_RULES } from './role.ts';
import { readKeys } from './subscription/signing-keys.ts';
import { secretText } from './subscription/secret-text.ts';
import { ASKED_BY_ADMISSION } from './testing/admission.ts';
import { operatorRequests } from './testing/audit.ts';
import { installForeignKinds } from './testing/foreign-kinds.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { FULL_SPEC, MINIMAL_SPEC } from './testing/resources.ts';
import { ALLOW_ALL, runOperator } from './testing/run-operator.ts';
import { SIMULATOR_SPEC } from './testing/sources.ts';
import { sourcesOf } from './testing/sources-platform.ts';
import { tlsPair } from './testing/tls-pair.ts';
import { until } from '../testing/until.ts';

const core = (plural: string, name: string) => `/api/v1/namespaces/${VOICE}/${plural}/${name}`;
const MERGE = 'application/merge-patch+json';
const DAY = 86_400_000;

describe('resources of all kinds', () => {
  let platform: Platform;
  let operator: Operator;
  let redis: Redis;
  let ahead = 0;
  before(async () => {
    platform = await startPlatform();
    redis = new Redis(platform.redis.url);
    await platform.secrets(VOICE);
    operator = await runOperator(platform, {
      now: () => Date.now() + ahead,
      environment: { ...ALLOW_ALL, FIREHOSE_SERVICE_MONITORS: 'true', FIREHOSE_RESYNC_SECONDS: '3' },
    });
  });
  after(async () => {
    redis.disconnect();
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });

  const must = (method: string, path: string, body?: unknown, type?: string) =>
    platform.plane.admin.must(method, path, body, type);
  const secret = (name: string, stringData: object) =>
    must('POST', core('secrets', '').slice(0, -1), { metadata: { name }, stringData });
  const stalled = (name: string, reason: string) =>
    until(`${name} stalled`, async () => {
      const condition = await platform.condition(name, 'Stalled');
      return condition?.reason === reason ? condition : null;
    });
  const own = { redis: { urlSecretRef: { name: 'firehose-redis' }, keyPrefix: 'own:' } };

  test('a kind that the cluster does not know is asked for by name, and used once it is there', async () => {
    await platform.create('acme');
    const { message } = await stalled('acme', 'KindNotServed');
    assert.match(message, /ServiceMonitor \(monitoring\.coreos\.com\)/);
    await installForeignKinds(platform.plane);
    await until('not stalled', async () => (await platform.condition('acme', 'Stalled')) === undefined);
    const monitor = `/apis/monitoring.coreos.com/v1/namespaces/${VOICE}/servicemonitors/acme-gateway`;
    await until('a monitor', () => platform.get(monitor));
  });

  test('what is missing is named, all at once, and nothing starts before it is there', async () => {
    const spec = {
      ...MINIMAL_SPEC,
      ...own,
      auth: { directory: { secretRef: { name: 'later' } } },
      ingest: { tokenSecretRef: { name: 'ingest' } },
    };
    await platform.create('waiting', spec);
    const condition = await until('a word', async () => {
      const found = await platform.condition('waiting', 'ReferencesResolved');
      return found?.status === 'False' ? found : null;
    });
    assert.match(condition.message, /auth\.directory\.secretRef: there is no Secret later .*ingest\.tokenSecretRef/);
    assert.equal(await platform.get(deploymentPath('waiting')), null);
    await secret('later', { other: 'x' });
    await until('the key', async () =>
      /has no directory\.yaml/.test((await platform.condition('waiting', 'ReferencesResolved'))?.message ?? ''),
    );
    await must('PATCH', core('secrets', 'later'), { stringData: { 'directory.yaml': 'accounts: []' } }, MERGE);
    await secret('ingest', { token: 'sesame' });
    await until('gateways', () => platform.get(deploymentPath('waiting')));
  });

  test('another number of partitions on shared streams is a condition, not a second layout', async () => {
    await platform.create('other-layout', { ...MINIMAL_SPEC, stream: { partitions: 8 } });
    const { message } = await stalled('other-layout', 'PartitionsMismatch');
    assert.match(message, /another number of partitions than 8/);
  });

  test('an object of another owner is left alone, and named', async () => {
    await must('POST', core('configmaps', '').slice(0, -1), {
      metadata: { name: 'taken-config' },
      data: { mine: 'yes' },
    });
    await secret('taken-signing-keys', { 'signing-keys.json': 'mine' });
    await platform.create('taken', { ...MINIMAL_SPEC, ...own });
    const { message } = await stalled('taken', 'ObjectOwnedByOther');
    const words =
      'the Secret taken-signing-keys belongs to another owner: delete it, or name it in spec.auth.token.signing.';
    assert.equal(message, `${words}secretName`);
    assert.equal((await platform.condition('taken', 'SigningKeysReady'))?.message, message);
    const [config, keys] = [
      await platform.get(core('configmaps', 'taken-config')),
      await platform.get(core('secrets', 'taken-signing-keys')),
    ];
    assert.deepEqual(config?.['data'], { mine: 'yes' });
    assert.equal(secretText(keys, 'signing-keys.json'), 'mine');
    await must('DELETE', core('secrets', 'taken-signing-keys'));
    await until('the next of them named', async () =>
      /ConfigMap taken-config .*: delete it, or keep it under another name/.test(
        (await platform.condition('taken', 'Stalled'))?.message ?? '',
      ),
    );
  });

  test('what the API server refuses of a pod template is said', async () => {
    await platform.create('odd', {
      ...MINIMAL_SPEC,
      ...own,
      gateway: { podTemplate: { affinity: { nodeAffinity: 'here' } } },
    });
    await stalled('odd', 'ObjectInvalid');
  });

  test('every field at once: issuer, load balancer, ingress, autoscaler; and what is not wanted any more goes', async () => {
    await secret('acme-ingest', { token: 'sesame' });
    await secret('acme-collector', { headers: 'x-team=voice' });
    await secret('crm-webhook', { secret: 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3' });
    await secret('crm-webhook-old', { previous: 'whsec_MTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4' });
    await secret('crm-authority', { 'ca.crt': (await tlsPair())['tls.crt'] });
    await secret('bus-authority', { 'ca.crt': (await tlsPair())['tls.crt'] });
    await secret('bus-creds', { 'user.creds': 'creds' });
    await must('PATCH', core('secrets', 'acme-directory'), { stringData: { 'accounts.yaml': 'accounts: []' } }, MERGE);
    await must('PATCH', core('secrets', 'firehose-redis'), { stringData: { 'redis-url': platform.redis.url } }, MERGE);
    await platform.create('full', FULL_SPEC);
    const certificate = `/apis/cert-manager.io/v1/namespaces/${VOICE}/certificates/full-tls`;
    await until('a Certificate', () => platform.get(certificate));
    // The part of cert-manager.
    await secret('full-tls', await tlsPair());
    await must(
      'PATCH',
      `${core('services', 'full')}/status`,
      { status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } } },
      MERGE,
    );
    await until('Ready', async () => {
      // Handing over the replicas makes another generation of the Deployment.
      await platform.markReady('full');
      return (await platform.condition('full', 'Ready'))?.status === 'True';
    });
    assert.equal((await platform.status('full')).endpoint?.url, 'wss://firehose.example.com/ws/v1/firehose/callEvents');
    const ingress = `/apis/networking.k8s.io/v1/namespaces/${VOICE}/ingresses/full`;
    assert.ok(await platform.get(ingress));

    await platform.patch('full', {
      spec: {
        gateway: {
          ingress: null,
          autoscaling: null,
          networkPolicy: { enabled: false },
          route: { parentRefs: [{ name: 'edge' }] },
          tls: { issuerRef: null, dnsNames: [], secretName: 'full-tls' },
        },
      },
    });
    const route = `/apis/gateway.networking.k8s.io/v1/namespaces/${VOICE}/httproutes/full`;
    await until('a route', () => platform.get(route));
    const scaler = `/apis/autoscaling/v2/namespaces/${VOICE}/horizontalpodautoscalers/full-gateway`;
    for (const path of [ingress, scaler, certificate])
      await until(`${path} gone`, async () => (await platform.get(path)) === null);
    await until('an event', async () =>
      (await platform.events()).some(({ reason, message }) => reason === 'Pruned' && message.includes('Ingress')),
    );
    await platform.patch('full', { spec: { gateway: { route: null } } });
    await until('no route', async () => (await platform.get(route)) === null);
  });

  test('replicas are given to an autoscaler, never fought over, and taken back', async () => {
    await platform.create('scaled', {
      ...MINIMAL_SPEC,
      ...own,
      gateway: { replicas: 4, networkPolicy: { enabled: true } },
    });
    const replicas = async () =>
      ((await platform.get(deploymentPath('scaled')))?.['spec'] as { replicas: number } | undefined)?.replicas;
    await until('four', async () => (await replicas()) === 4);
    await platform.plane.kubectl(['scale', '-n', VOICE, 'fhs/scaled', '--replicas=5']);
    await until('five', async () => (await replicas()) === 5);
    await platform.patch('scaled', {
      spec: { gateway: { autoscaling: { maxReplicas: 9 }, networkPolicy: { enabled: false } } },
    });
    const scaler = `/apis/autoscaling/v2/namespaces/${VOICE}/horizontalpodautoscalers/scaled-gateway`;
    await until('an autoscaler', () => platform.get(scaler));
    assert.equal(await replicas(), 5);
    await must('PUT', `${deploymentPath('scaled')}/scale`, {
      metadata: { name: 'scaled-gateway', namespace: VOICE },
      spec: { replicas: 7 },
    });
    await platform.patch('scaled', { spec: { gateway: { connections: { drainTimeout: '30s' } } } });
    await until('the change', async () =>
      JSON.stringify(await platform.get(deploymentPath('scaled'))).includes('"terminationGracePeriodSeconds":45'),
    );
    assert.equal(await replicas(), 7);
    await platform.patch('scaled', { spec: { gateway: { autoscaling: null } } });
    await until('ours again', async () => (await replicas()) === 5);
    await platform.patch('scaled', { spec: { gateway: { autoscaling: { maxReplicas: 9 } } } });
    await until('an autoscaler again', () => platform.get(scaler));
    assert.equal(await replicas(), 5);
  });

  test('keys rotate in steps that wait for every gateway, and the certificate is renewed under its authority', async () => {
    await until('Ready', async () => {
      await platform.markReady('acme');
      return (await platform.condition('acme', 'Ready'))?.status === 'True';
    });
    const keys = async () => readKeys(await platform.get(core('secrets', 'acme-signing-keys'))) ?? [];
    const [first] = await keys();
    const serial = async () =>
      new X509Certificate(secretText(await platform.get(core('secrets', 'acme-tls')), 'tls.crt') ?? '');
    const [before, authority] = [await serial(), secretText(await platform.get(core('secrets', 'acme-ca')), 'ca.crt')];
    const place = replicaKeys('firehose:', `${VOICE}/acme`);
    const beat = async (kids: readonly (string | undefined)[]) => {
      for (const pod of ['a', 'b']) {
        await redis.zadd(place.seen, Date.now(), pod);
        await redis.set(place.heartbeat(pod), JSON.stringify({ groups: {}, connections: 3, keys: kids }));
      }
    };
    await beat([first?.kid]);
    ahead = 65 * DAY;
    const second = await until('a second key', async () => (await keys())[1]);
    assert.equal((await keys())[0]?.kid, first?.kid);
    await beat([first?.kid, second.kid]);
    await until('it signs', async () => (await keys())[0]?.kid === second.kid);
    ahead += 2 * DAY;
    await until('status', async () => (await platform.status('acme')).signing?.activeKeyID === second.kid);
    assert.equal((await keys()).length, 2);
    await beat([second.kid, first?.kid]);
    await until('retired', async () => (await keys())[1]?.retired !== undefined);
    ahead += 2 * DAY;
    await until('gone', async () => (await keys()).length === 1);
    const renewed = await until('a new certificate', async () => {
      const now = await serial();
      return now.serialNumber === before.serialNumber ? null : now;
    });
    assert.ok(renewed.verify(new X509Certificate(authority ?? '').publicKey));
    assert.equal((await platform.status('acme')).gateway?.connections, 6);
  });

  test('the role is enough, and nothing of it is more than enough', async () => {
    await must('DELETE', `/apis/firehose.dev/v1alpha1/namespaces/${VOICE}/firehosesubscriptions/scaled`);
    await until('gone', async () => (await platform.fhs('scaled')) === null);
    const sources = sourcesOf(platform);
    const { redis: place } = SIMULATOR_SPEC;
    const credentialsSecretRef = { name: 'ari' };
    await sources.secret('ari', { username: 'firehose', password: 'secret' });
    const outbound = [{ name: 'pbx1', interface: 'ARIOutbound', credentialsSecretRef }];
    await sources.create('pbx', { redis: place, asterisk: { endpoints: outbound, listen: {} } });
    await until('a Service for Asterisk', () => platform.get(core('services', 'pbx-source-listen')));
    const inbound = [{ name: 'pbx1', interface: 'ARI', host: '10.0.0.7', credentialsSecretRef }];
    await sources.patch('pbx', { spec: { asterisk: { endpoints: inbound, listen: null } } });
    await until('no Service', async () => (await platform.get(core('services', 'pbx-source-listen'))) === null);
    await sources.remove('pbx');
    await until('no source', async () => (await sources.get('pbx')) === null);
    // Without the setting, monitors from an earlier configuration are deleted.
    await operator[Symbol.asyncDispose]();
    operator = await runOperator(platform);
    const monitor = `/apis/monitoring.coreos.com/v1/namespaces/${VOICE}/servicemonitors/acme-gateway`;
    await until('no monitor', async () => (await platform.get(monitor)) === null);
    const granted = [...WATCHED_RULES, ...OWN_RULES].flatMap(({ resources, verbs }) =>
      resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
    );
    const unused = async () => {
      const requests = await operatorRequests(platform.plane);
      assert.ok(requests.every(({ code }) => code !== 403));
      const used = new Set<string>();
      for (const { verb, resource, subresource, code } of requests) {
        const place = `${resource}${subresource === '' ? '' : `/${subresource}`}`;
        used.add(`${verb} ${place}`);
        // Server-side apply of a missing object needs both.
        if (verb === 'patch' && code === 201) used.add(`create ${place}`);
      }
      return granted.filter((one) => !used.has(one));
    };
    // A request may be answered before the audit log has it.
    await until('every verb in the audit log', unused, {
      holds: (seen) => seen.join() === ASKED_BY_ADMISSION.join(),
    });
  });
});
