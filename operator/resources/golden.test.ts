import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { FULL_SPEC, MINIMAL_SPEC, PLATFORM_AUTH, SENTINEL_REDIS, subscription } from '../testing/resources.ts';
import { desiredObjects } from './desired.ts';

const SETTINGS = {
  addressGuard: 'strict' as const,
  image: 'registry.example.com/firehose:0.1.0',
  innerFromNamespaces: ['firehose-system', 'monitoring'],
  serviceMonitorLabels: { release: 'prometheus', 'app.kubernetes.io/name': 'other' },
};

function rendered(spec: object, serviceMonitors: boolean): string {
  const parsed = subscriptionSchema.parse(subscription('acme', spec, 'voice'));
  const rendering = {
    subscription: parsed,
    uid: '00000000-0000-4000-8000-000000000000',
    settings: { ...SETTINGS, serviceMonitors },
    restartHash: 'feedface',
    redis: [{ host: 'redis.voice.svc', port: 6_379 }],
  };
  const replicas = parsed.spec.gateway.autoscaling === undefined ? parsed.spec.gateway.replicas : null;
  const objects = desiredObjects(rendering, { replicas, workload: true });
  return objects.map(({ object }) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n');
}

const { ingress: _, ...withoutIngress } = FULL_SPEC.gateway;
const ROUTED = {
  ...FULL_SPEC,
  redis: SENTINEL_REDIS,
  auth: PLATFORM_AUTH,
  privacy: {
    default: 'crm',
    profiles: [{ name: 'crm', numbers: 'Last4' }],
    pseudonymKeySecretRef: { name: 'acme-pseudonyms' },
  },
  gateway: {
    ...withoutIngress,
    route: { parentRefs: [{ name: 'edge', namespace: 'infra' }], hostnames: ['firehose.example.com'] },
  },
};

for (const [name, spec, monitored] of [
  ['minimal', MINIMAL_SPEC, false],
  ['full', FULL_SPEC, true],
  ['routed', ROUTED, false],
] as const) {
  test(`the ${name} resource becomes what golden/${name}.yaml says`, async () => {
    const file = new URL(`golden/${name}.yaml`, import.meta.url);
    const text = rendered(spec, monitored);
    if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(file, text);
    assert.equal(text, await readFile(file, 'utf8'));
  });
}
