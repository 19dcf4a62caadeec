import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Operator } from './build.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { MINIMAL_SPEC } from './testing/resources.ts';
import { runOperator } from './testing/run-operator.ts';
import { until } from '../testing/until.ts';

const SECRETS = `/api/v1/namespaces/${VOICE}/secrets`;
const MERGE = 'application/merge-patch+json';

/** Tenants name Redis and the collector: they must not make the operator connect to inner addresses. */
describe('addresses that tenants name', () => {
  let platform: Platform;
  let operator: Operator;
  before(async () => {
    platform = await startPlatform();
    await platform.secrets(VOICE);
    operator = await runOperator(platform, { environment: { FIREHOSE_RESYNC_SECONDS: '2' } });
  });
  after(async () => {
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });

  const must = (method: string, path: string, body?: unknown, type?: string) =>
    platform.plane.admin.must(method, path, body, type);
  const secret = (name: string, stringData: object) => must('POST', SECRETS, { metadata: { name }, stringData });
  const stalled = (name: string, reason: string) =>
    until(`${name} stalled`, async () => {
      const condition = await platform.condition(name, 'Stalled');
      return condition?.reason === reason ? condition : null;
    });
  const redisAt = (name: string, keyPrefix: string) => ({
    ...MINIMAL_SPEC,
    redis: { urlSecretRef: { name }, keyPrefix },
  });
  const templateOf = async (name: string) => {
    const deployment = await platform.get(deploymentPath(name));
    return JSON.stringify((deployment?.['spec'] as { template?: unknown } | undefined)?.template);
  };

  test('a metadata or link-local address is refused, and nothing of it shows', async () => {
    await secret('metadata', { url: 'redis://:canary@169.254.169.254:80/' });
    await platform.create('spy', redisAt('metadata', 'spy:'));
    await stalled('spy', 'RedisAddressRefused');
    const text = JSON.stringify([await platform.fhs('spy'), await platform.events()]);
    assert.doesNotMatch(text, /canary|169\.254/);
  });

  test('no answer of a host that is no Redis shows in status or events', async () => {
    await secret('elsewhere', { url: `redis://:canary@127.0.0.1:${new URL(platform.plane.server).port}` });
    await platform.create('prober', redisAt('elsewhere', 'probe:'));
    const condition = await until('a word', async () => {
      const found = await platform.condition('prober', 'RedisConnected');
      return found?.status === 'False' ? found : null;
    });
    assert.match(condition.message, /^Redis cannot be used \([A-Z_]+\)$/);
    assert.doesNotMatch(
      JSON.stringify([await platform.fhs('prober'), await platform.events()]),
      /canary|HTTP|Bad Request/,
    );
  });

  test('telemetry to a metadata or link-local address starts no gateway, and nothing of it shows', async () => {
    const endpoint = 'http://169.254.169.254:80/latest';
    await platform.create('tracer', { ...MINIMAL_SPEC, telemetry: { otlp: { endpoint } } });
    await stalled('tracer', 'OTLPAddressRefused');
    assert.equal(await platform.get(deploymentPath('tracer')), null);
    const text = JSON.stringify([await platform.status('tracer'), await platform.events()]);
    assert.doesNotMatch(text, /169\.254/);
    await platform.patch('tracer', { spec: { telemetry: { otlp: { endpoint: 'http://127.0.0.1:4318' } } } });
    await until('gateways', () => platform.get(deploymentPath('tracer')));
    assert.match(
      await templateOf('tracer'),
      /"OTEL_EXPORTER_OTLP_ENDPOINT","value":"http:\/\/127\.0\.0\.1:4318".*"OTEL_TRACES_SAMPLER_ARG","value":"0\.05"/,
    );
  });

  test('gateways that run keep the collector that they have when another one is refused', async () => {
    const before = await templateOf('tracer');
    await platform.patch('tracer', { spec: { telemetry: { otlp: { endpoint: 'http://[fd00:ec2::254]' } } } });
    await stalled('tracer', 'OTLPAddressRefused');
    assert.equal(await templateOf('tracer'), before);
    await platform.patch('tracer', { spec: { telemetry: null } });
    await until('no telemetry', async () => !(await templateOf('tracer')).includes('OTEL_'));
  });

  test('headers for the collector are missed by name, never shown, and replace the pods when they change', async () => {
    const otlp = { endpoint: 'http://127.0.0.1:4318', headersSecretName: 'collector' };
    await platform.patch('tracer', { spec: { telemetry: { otlp } } });
    await until('missed', async () =>
      /telemetry\.otlp\.headersSecretName: there is no Secret collector /.test(
        (await platform.condition('tracer', 'ReferencesResolved'))?.message ?? '',
      ),
    );
    await secret('collector', { headers: 'x-key=canary' });
    await until('known', async () => (await templateOf('tracer')).includes('"name":"collector","key":"headers"'));
    const before = await templateOf('tracer');
    await must('PATCH', `${SECRETS}/collector`, { stringData: { headers: 'x-key=canary2' } }, MERGE);
    await until('new pods', async () => (await templateOf('tracer')) !== before);
    const text = JSON.stringify([
      await platform.fhs('tracer'),
      await platform.events(),
      await platform.get(deploymentPath('tracer')),
    ]);
    assert.doesNotMatch(text, /canary/);
  });
});
