import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { busOf, sourceSchema } from '../../protocol/source.ts';
import {
  FREESWITCH_SPEC,
  FULL_ASTERISK_SPEC,
  FULL_KAZOO_SPEC,
  FULL_MOD_AMQP_SPEC,
  SIMULATOR_SPEC,
  source,
} from '../testing/sources.ts';
import { destinationsOf } from './destinations.ts';
import { desiredOfSource } from './objects.ts';

const SETTINGS = {
  addressGuard: 'strict' as const,
  image: 'registry.example.com/firehose:0.1.0',
  innerFromNamespaces: ['firehose-system', 'monitoring'],
  serviceMonitorLabels: { release: 'prometheus' },
};
const REDIS = {
  mode: 'Standalone' as const,
  nodes: [{ host: 'redis.voice.svc', port: 6_379 }],
  username: '',
  password: 'canary',
  database: 0,
  sentinel: null,
  tls: null,
  guard: null,
};
const BROKERS = ['amqps://u:canary@rabbit.example.com/v', 'amqp://u:canary@[fd00::9]:5673'];

function rendered(spec: object, serviceMonitors: boolean): string {
  const parsed = sourceSchema.parse(source('pbx', spec, 'voice'));
  const brokers = busOf(parsed.spec) === null ? [] : BROKERS;
  const objects = desiredOfSource(
    {
      source: parsed,
      uid: '00000000-0000-4000-8000-000000000000',
      settings: { ...SETTINGS, serviceMonitors },
      restartHash: 'feedface',
      destinations: destinationsOf(parsed.spec, { redis: REDIS, brokers }),
    },
    true,
  );
  return objects.map(({ object }) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n');
}

for (const [name, spec, monitored] of [
  ['simulator', SIMULATOR_SPEC, false],
  ['freeswitch', FREESWITCH_SPEC, false],
  ['kazoo', { ...FULL_KAZOO_SPEC, suspend: false, networkPolicy: {} }, true],
  ['mod-amqp', { ...FULL_MOD_AMQP_SPEC, suspend: false, networkPolicy: {} }, false],
  ['asterisk', { ...FULL_ASTERISK_SPEC, suspend: false, networkPolicy: {} }, true],
] as const) {
  test(`a source of ${name} becomes what golden/${name}.yaml says, without a secret`, async () => {
    const file = new URL(`golden/${name}.yaml`, import.meta.url);
    const text = rendered(spec, monitored);
    if (process.env['UPDATE_GOLDEN'] === '1') await writeFile(file, text);
    assert.equal(text, await readFile(file, 'utf8'));
    assert.doesNotMatch(text, /canary/);
  });
}
