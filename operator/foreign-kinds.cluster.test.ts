import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Operator } from './build.ts';
import { operatorWrites } from './testing/audit.ts';
import { installForeignKinds } from './testing/foreign-kinds.ts';
import { startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { FULL_SPEC, MINIMAL_SPEC } from './testing/resources.ts';
import { tlsPair } from './testing/tls-pair.ts';
import { ALLOW_ALL, runOperator } from './testing/run-operator.ts';
import { morePasses, untilSteady } from './testing/steady.ts';
import { until } from '../testing/until.ts';

const { ingress: _, autoscaling: __, ...gateway } = FULL_SPEC.gateway;
const ROUTED = {
  ...MINIMAL_SPEC,
  gateway: {
    ...gateway,
    service: { type: 'ClusterIP' },
    route: {
      parentRefs: [{ name: 'edge', namespace: 'infra', sectionName: 'https' }, { name: 'inner' }],
      hostnames: ['firehose.example.com', 'calls.example.com'],
    },
  },
};
const path = (group: string, plural: string, name: string) => `/apis/${group}/v1/namespaces/${VOICE}/${plural}/${name}`;
const ROUTE = path('gateway.networking.k8s.io', 'httproutes', 'routed');
const CERTIFICATE = path('cert-manager.io', 'certificates', 'routed-tls');
const MONITOR = path('monitoring.coreos.com', 'servicemonitors', 'routed-gateway');

/** Validated by these projects' own definitions, in a real API server. */
describe("kinds of the Gateway API, cert-manager and Prometheus' operator", () => {
  let platform: Platform;
  let operator: Operator;
  let isReal = false;
  before(async () => {
    platform = await startPlatform();
    isReal = await installForeignKinds(platform.plane);
    await platform.secrets(VOICE);
    operator = await runOperator(platform, {
      environment: { ...ALLOW_ALL, FIREHOSE_SERVICE_MONITORS: 'true', FIREHOSE_RESYNC_SECONDS: '2' },
    });
  });
  after(async () => {
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });
  const isJudged = (context: TestContext) => {
    if (!isReal) context.skip('their definitions are not to be had here: install Go');
    return isReal;
  };

  test('what is rendered is accepted, and stays as it was written', async (context) => {
    if (!isJudged(context)) return;
    await platform.create('routed', ROUTED);
    await until('a Certificate', () => platform.get(CERTIFICATE));
    await platform.plane.admin.must('POST', `/api/v1/namespaces/${VOICE}/secrets`, {
      metadata: { name: 'routed-tls' },
      stringData: await tlsPair(),
    });
    await until('Ready', async () => {
      await platform.markReady('routed');
      return (await platform.condition('routed', 'Ready'))?.status === 'True';
    });
    const route = await platform.get(ROUTE);
    // Defaults from the definition, which must not count as a difference.
    assert.match(JSON.stringify(route?.['spec']), /"kind":"Gateway".*"weight":1/);
    assert.ok(await platform.get(MONITOR));
    assert.equal(
      (await platform.status('routed')).endpoint?.url,
      'wss://firehose.example.com/ws/v1/firehose/callEvents',
    );

    await untilSteady(platform, operator, 3);
    const start = Date.now();
    await morePasses(operator, 5);
    assert.deepEqual(await operatorWrites(platform.plane, start), []);
  });

  test('drift by hand is healed there, too', async (context) => {
    if (!isJudged(context)) return;
    const { admin } = platform.plane;
    const type = 'application/merge-patch+json';
    await admin.must('PATCH', ROUTE, { spec: { hostnames: ['other.example.com'] } }, type);
    await admin.must('PATCH', CERTIFICATE, { spec: { dnsNames: ['other.example.com'] } }, type);
    await admin.must('DELETE', MONITOR);
    await until('healed', async () => {
      const [route, certificate] = [await platform.get(ROUTE), await platform.get(CERTIFICATE)];
      const text = JSON.stringify([route?.['spec'], certificate?.['spec']]);
      return !text.includes('other.example.com') && (await platform.get(MONITOR)) !== null;
    });
  });

  test('what the Gateway API refuses is said in its own words', async (context) => {
    if (!isJudged(context)) return;
    const route = { parentRefs: [{ name: 'edge' }, { name: 'edge' }] };
    await platform.create('doubled', { ...MINIMAL_SPEC, gateway: { route } });
    const condition = await until('stalled', () => platform.condition('doubled', 'Stalled'));
    assert.equal(condition.reason, 'ObjectInvalid');
    assert.match(condition.message, /^HTTPRoute doubled: .*sectionName/);
  });
});
