import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readConfig } from './config.ts';
import { SAFE_POLICY } from './policy/policy.ts';

const IMAGE = { FIREHOSE_GATEWAY_IMAGE: 'registry.example.com/firehose:1.0.0' };

test('the image of the gateways is all that must be said', () => {
  const config = readConfig(IMAGE, 'x1');
  assert.deepEqual(
    [config.watchNamespaces, config.port, config.resyncMs, config.identity],
    ['own', 8_080, 600_000, 'operator_x1'],
  );
});

test('the whole cluster, or a list of namespaces', () => {
  assert.equal(readConfig({ ...IMAGE, FIREHOSE_WATCH_NAMESPACES: '*' }, '').watchNamespaces, null);
  assert.deepEqual(readConfig({ ...IMAGE, FIREHOSE_WATCH_NAMESPACES: 'a, b' }, '').watchNamespaces, ['a', 'b']);
});

test('labels of the ServiceMonitors', () => {
  const of = (text: string) => readConfig({ ...IMAGE, FIREHOSE_SERVICE_MONITOR_LABELS: text }, '').settings;
  assert.deepEqual(of('release=prometheus, example.com/team=voice,bare=').serviceMonitorLabels, {
    release: 'prometheus',
    'example.com/team': 'voice',
    bare: '',
  });
  assert.deepEqual(readConfig(IMAGE, '').settings.serviceMonitorLabels, {});
});

test('I16: nothing is allowed to resources unless it is said; `none` empties a list that is not empty by default', () => {
  const of = (environment: object) => readConfig({ ...IMAGE, ...environment }, '').policy;
  assert.deepEqual(of({}), SAFE_POLICY);
  assert.deepEqual(of({ FIREHOSE_ALLOW_IMAGES: 'a.example/b, c.example/' }).images, ['a.example/b', 'c.example/']);
  assert.deepEqual(of({ FIREHOSE_ALLOW_SECRET_OWNERS: 'none' }).secretOwners, []);
  assert.deepEqual(of({ FIREHOSE_ALLOW_SERVICE_TYPES: 'none' }).serviceTypes, []);
  assert.deepEqual(of({ FIREHOSE_ALLOW_LOAD_BALANCER_CLASSES: 'a.example/b' }).loadBalancerClasses, ['a.example/b']);
});

test('every fault is told at once', () => {
  const wrong = {
    FIREHOSE_WATCH_NAMESPACES: 'A/b',
    FIREHOSE_OPERATOR_PORT: '1e3',
    FIREHOSE_WORKERS: '0',
    FIREHOSE_SERVICE_MONITOR_LABELS: 'release:prometheus',
    LOG_LEVEL: 'loud',
  };
  assert.throws(
    () => readConfig(wrong, ''),
    ({ faults }: { faults: readonly string[] }) => {
      const named = ['FIREHOSE_GATEWAY_IMAGE', ...Object.keys(wrong)];
      return faults.length === named.length && named.every((name) => faults.some((fault) => fault.includes(name)));
    },
  );
});
