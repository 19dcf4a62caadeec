import assert from 'node:assert/strict';
import { test } from 'node:test';
import { conditionsOf, isWarning, transitions } from './conditions.ts';
import { bad, good, unknown, type Findings } from './findings.ts';
import { drainingGateways, gatewayState } from './gateway-finding.ts';

const ok = good('Fine', 'fine');
const ALL_GOOD: Findings = {
  policy: ok,
  references: ok,
  redis: ok,
  groups: ok,
  keys: ok,
  telemetry: ok,
  objects: ok,
  gateway: good('Available', '2 of 2 gateways serve'),
  endpoint: ok,
  isSuspended: false,
  draining: 0,
  degraded: null,
  clientAddressHidden: null,
  unknownEventNames: null,
  directoryStale: null,
  webhookDisabled: null,
  sinkFailing: null,
};
const at = { generation: 3, now: Date.parse('2026-01-02T03:04:05.678Z') };
const types = (findings: Findings) => conditionsOf(findings, [], at).map(({ type }) => type);
const ready = (findings: Findings) => conditionsOf(findings, [], at).find(({ type }) => type === 'Ready');

test('with everything good it is Ready, and no abnormal condition is there', () => {
  assert.deepEqual(types(ALL_GOOD), [
    'Ready',
    'ReferencesResolved',
    'RedisConnected',
    'ConsumerGroupsReady',
    'SigningKeysReady',
    'GatewayAvailable',
    'EndpointReady',
  ]);
  assert.deepEqual(ready(ALL_GOOD), {
    type: 'Ready',
    status: 'True',
    observedGeneration: 3,
    lastTransitionTime: '2026-01-02T03:04:05Z',
    reason: 'Serving',
    message: '2 of 2 gateways serve',
  });
});

test('what passes by itself is Reconciling, what needs a person is Stalled, never both', () => {
  const passing = { ...ALL_GOOD, redis: bad('RedisUnreachable', 'away'), groups: unknown('RedisUnreachable', 'away') };
  assert.ok(types(passing).includes('Reconciling') && !types(passing).includes('Stalled'));
  assert.equal(ready(passing)?.reason, 'RedisUnreachable');
  const final = { ...passing, groups: bad('PartitionsMismatch', 'other layout', true) };
  assert.ok(!types(final).includes('Reconciling') && types(final).includes('Stalled'));
  assert.equal(ready(final)?.reason, 'PartitionsMismatch');
});

test('a suspended resource is not Ready, and neither reconciling nor stalled', () => {
  const suspended = { ...ALL_GOOD, isSuspended: true };
  assert.equal(ready(suspended)?.reason, 'Suspended');
  assert.deepEqual(types(suspended).slice(-1), ['Suspended']);
  assert.ok(!types(suspended).includes('Reconciling'));
});

test('a suspended resource says that no gateway runs once the last one has drained', () => {
  const said = (draining: number) => {
    const conditions = conditionsOf({ ...ALL_GOOD, isSuspended: true, draining }, [], at);
    return conditions.filter(({ reason }) => reason === 'Suspended').map(({ message }) => message);
  };
  const draining = 'spec.suspend is true: gateways that drain still: 2';
  assert.deepEqual(said(2), [draining, draining]);
  const gone = 'spec.suspend is true: no gateway runs';
  assert.deepEqual(said(0), [gone, gone]);
});

test('a gateway drains for as long as its pod is there, or its heartbeat', () => {
  const draining = (status: object, heard: number | null) =>
    drainingGateways(gatewayState({ metadata: { name: 'g' }, spec: { replicas: 0 }, status }), heard);
  assert.equal(draining({ replicas: 2 }, null), 2);
  assert.equal(draining({ replicas: 0, terminatingReplicas: 3 }, 2), 3);
  assert.equal(draining({ replicas: 1, terminatingReplicas: 1 }, 2), 2);
  // Before Kubernetes 1.35 a Deployment does not report terminating pods.
  assert.equal(draining({ replicas: 0 }, 2), 2);
  assert.equal(draining({ replicas: 0 }, 0), 0);
});

test('an Unknown step is a Ready that is False: nobody waits for Unknown', () => {
  assert.equal(ready({ ...ALL_GOOD, gateway: unknown('NotStarted', 'later') })?.status, 'False');
});

test('the time of a condition moves with its status alone', () => {
  const before = conditionsOf(ALL_GOOD, [], at);
  const later = { generation: 4, now: at.now + 60_000 };
  const same = conditionsOf({ ...ALL_GOOD, redis: good('Fine', 'other words') }, before, later);
  assert.ok(same.every(({ lastTransitionTime }) => lastTransitionTime === '2026-01-02T03:04:05Z'));
  const gone = conditionsOf({ ...ALL_GOOD, redis: bad('RedisUnreachable', 'away') }, before, later);
  assert.equal(gone.find(({ type }) => type === 'RedisConnected')?.lastTransitionTime, '2026-01-02T03:05:05Z');
  assert.deepEqual(
    transitions(before, gone).map(({ type }) => type),
    ['Ready', 'RedisConnected'],
  );
});

test('a normal start, a rollout and a scale-down warn of nothing; a loss does', () => {
  const condition = (type: string, status: 'True' | 'False', reason: string) => ({
    type,
    status,
    reason,
    message: '',
    observedGeneration: 1,
    lastTransitionTime: '',
  });
  for (const reason of ['Progressing', 'RollingOut', 'ScalingDown', 'NoReadyGateway', 'LeftByFormerResource']) {
    assert.ok(!isWarning(condition('GatewayAvailable', 'False', reason)), reason);
  }
  assert.ok(!isWarning(condition('Ready', 'True', 'Serving')));
  assert.ok(isWarning(condition('RedisConnected', 'False', 'RedisUnreachable')));
  assert.ok(isWarning(condition('GatewayAvailable', 'False', 'GatewayCrashing')));
  assert.ok(isWarning(condition('Degraded', 'True', 'Progressing')));
  assert.ok(!isWarning(condition('Degraded', 'False', 'Progressing')));
});

test('a warning is reported for a new resource, and again when its message changes', () => {
  const warned = (message: string) =>
    conditionsOf({ ...ALL_GOOD, unknownEventNames: good('UnknownEventName', message) }, [], at);
  const types = (...sides: Parameters<typeof transitions>) => transitions(...sides).map(({ type }) => type);
  assert.deepEqual(types([], warned('a')), ['UnknownEventNames']);
  assert.deepEqual(types(warned('a'), warned('a')), []);
  assert.deepEqual(types(warned('a'), warned('b')), ['UnknownEventNames']);
});

test('a resource that is refused says so before anything else, and one without gateways is still Ready', () => {
  const refused = bad('NotAllowed', 'gateway.image: evil', true);
  assert.equal(ready({ ...ALL_GOOD, policy: refused, redis: bad('RedisTooOld', 'old', true) })?.reason, 'NotAllowed');
  const scaled = { ...ALL_GOOD, gateway: good('ScaledToZero', 'none'), endpoint: bad('NoReadyGateway', 'none') };
  assert.equal(ready(scaled)?.status, 'True');
});

test('a Deployment is read as kubectl reads it', () => {
  const of = (status: object, replicas = 2) =>
    gatewayState({ metadata: { name: 'g', generation: 5 }, spec: { replicas }, status }).finding.reason;
  const done = { observedGeneration: 5, replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
  assert.equal(of(done), 'Available');
  assert.equal(of({ ...done, observedGeneration: 4 }), 'Progressing');
  assert.equal(of({ ...done, availableReplicas: 1 }), 'Progressing');
  assert.equal(of({ ...done, replicas: 4, updatedReplicas: 1 }), 'RollingOut');
  assert.equal(of({ ...done, conditions: [{ reason: 'ProgressDeadlineExceeded' }] }), 'ProgressDeadlineExceeded');
  assert.equal(of({ observedGeneration: 5 }, 0), 'ScaledToZero');
  assert.equal(gatewayState(undefined).finding.status, 'Unknown');
});
