import assert from 'node:assert/strict';
import { test } from 'node:test';
import { durationMs, subscriptionSchema } from './subscription.ts';

const smallest = {
  apiVersion: 'firehose.dev/v1alpha1',
  kind: 'FirehoseSubscription',
  metadata: { name: 'acme' },
  spec: { account: { id: '91eb05e5c68d7ca05e7618b6821d2d16' } },
};
const withSpec = (spec: object) => subscriptionSchema.safeParse({ ...smallest, spec: { ...smallest.spec, ...spec } });

test('an account id is all that a subscription must say', () => {
  const { metadata, spec } = subscriptionSchema.parse(smallest);
  assert.equal(metadata.namespace, 'default');
  assert.equal(spec.account.includeDescendants, true);
  assert.equal(spec.stream.partitions, 4);
  assert.equal(durationMs(spec.stream.retention.maxAge), 86_400_000);
  assert.equal(durationMs(spec.auth.token.ttl), 3_600_000);
});

test('what the defaults give is itself a valid subscription', () => {
  const parsed = subscriptionSchema.parse(smallest);
  assert.deepEqual(subscriptionSchema.parse(parsed), parsed);
});

test('two subscriptions share no defaults: changing one leaves the other', () => {
  const [one, other] = [subscriptionSchema.parse(smallest), subscriptionSchema.parse(smallest)];
  one.spec.filters.events.push('DTMF');
  assert.deepEqual(other.spec.filters.events, []);
});

test('a misspelt field is a fault, not silently the default', () => {
  assert.ok(!withSpec({ stream: { partition: 8 } }).success);
  assert.ok(!withSpec({ steam: {} }).success);
});

test('values out of range are refused', () => {
  const faults = [
    { stream: { partitions: 0 } },
    { stream: { partitions: 65 } },
    { stream: { retention: { maxAge: '1 day' } } },
    { account: { id: 'a b' } },
    { filters: { events: ['channel_answer'] } },
    { gateway: { trustedProxies: ['10.0.0.1'] } },
    { gateway: { allowedOrigins: [] } },
    { gateway: { connections: { slowConsumerPolicy: 'Wait' } } },
    { auth: { token: { signing: { algorithm: 'none' } } } },
  ];
  for (const fault of faults) assert.ok(!withSpec(fault).success, JSON.stringify(fault));
});

test('durations are read as Kubernetes writes them', () => {
  assert.equal(durationMs('30s'), 30_000);
  assert.equal(durationMs('1h30m'), 5_400_000);
  assert.equal(durationMs('2h3m4s'), 7_384_000);
});
