import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bad, good } from './findings.ts';
import { degradation } from './gateways-step.ts';

const OK = good('Connected', 'Redis');
const PROGRESSING = bad('Progressing', '1 of 2 gateways are available');
const resource = (readyReplicas: number, isDegraded = false) => ({
  metadata: { name: 'acme' },
  status: {
    gateway: { readyReplicas },
    conditions: isDegraded ? [{ type: 'Degraded', status: 'True' }] : [],
  },
});
const gateways = (ready: number, desired = 2) => ({
  desired,
  ready,
  replicas: desired,
  ending: 0,
  finding: PROGRESSING,
});

test('a start, a rollout and a scale-up are no degradation', () => {
  assert.equal(degradation(resource(0), gateways(1), OK), null);
  assert.equal(degradation(resource(2), gateways(2), OK), null);
  assert.equal(degradation(resource(2), gateways(2, 4), OK), null);
  assert.equal(degradation(resource(4), gateways(2, 2), OK), null);
});

test('gateways that are lost are one, until they are back', () => {
  assert.equal(degradation(resource(2), gateways(1), OK)?.reason, 'Progressing');
  assert.equal(degradation(resource(1, true), gateways(1), OK)?.status, 'True');
  assert.equal(degradation(resource(1, true), gateways(2), OK), null);
});

test('Redis that is away is one while gateways serve; without gateways nothing is degraded', () => {
  const away = bad('RedisUnreachable', 'away');
  assert.equal(degradation(resource(2), gateways(2), away)?.reason, 'RedisUnreachable');
  assert.equal(degradation(resource(2), gateways(0), away), null);
});
