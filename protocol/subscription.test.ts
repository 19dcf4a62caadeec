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

test('a host name has no empty label, and none that begins or ends with a hyphen', () => {
  const withName = (name: string) => withSpec({ gateway: { tls: { dnsNames: [name] } } }).success;
  for (const name of ['a', 'a.b', 'firehose.example.com', 'xn--bcher-kva.example', '10-0-0-7.x1']) {
    assert.ok(withName(name), name);
  }
  for (const name of ['', '.', 'a..b', '.a', 'a.', 'a-.b', 'a.-b', '-a', 'A.b', 'a_b', 'a b']) {
    assert.ok(!withName(name), name);
  }
});

test('durations are read as Kubernetes writes them', () => {
  assert.equal(durationMs('30s'), 30_000);
  assert.equal(durationMs('1h30m'), 5_400_000);
  assert.equal(durationMs('2h3m4s'), 7_384_000);
});

const groupsOf = (consumerGroups: readonly object[]) => withSpec({ consumerGroups });

test('the group `default` always exists: a declared list is added to it', () => {
  const names = (groups?: readonly object[]) =>
    (groups === undefined ? withSpec({}) : groupsOf(groups)).data?.spec.consumerGroups.map(({ name }) => name);
  assert.deepEqual(names(), ['default']);
  assert.deepEqual(names([{ name: 'billing' }]), ['default', 'billing']);
  assert.deepEqual(names([{ name: 'billing' }, { name: 'default' }]), ['billing', 'default']);
});

test('a group has every default', () => {
  assert.deepEqual(withSpec({}).data?.spec.consumerGroups[0], {
    name: 'default',
    startPosition: 'New',
    ackWait: '30s',
    maxDeliver: 5,
    maxPending: 1_000,
    maxAccounts: 100,
    deadLetter: { maxLength: 10_000 },
    filters: { events: [], excludeEvents: [], accounts: [] },
    deletionPolicy: 'Delete',
  });
});

test('`default` may be declared with other values', () => {
  const parsed = groupsOf([{ name: 'default', maxDeliver: 2 }]);
  assert.deepEqual(
    parsed.data?.spec.consumerGroups.map(({ name, maxDeliver }) => [name, maxDeliver]),
    [['default', 2]],
  );
});

test('group names are labels, each once, 1 to 32 of them with `default`', () => {
  const many = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `g${at}` }));
  assert.ok(groupsOf(many(31)).success);
  assert.ok(!groupsOf(many(32)).success);
  assert.ok(groupsOf([...many(31), { name: 'default' }]).success);
  assert.ok(!groupsOf([]).success);
  assert.ok(!groupsOf([{ name: 'a' }, { name: 'a' }]).success);
  for (const name of ['', 'A', 'a/b', 'a b', '-a', 'a.b', 'x'.repeat(64)])
    assert.ok(!groupsOf([{ name }]).success, name);
});

test('a group begins after an id only when it says which', () => {
  assert.ok(groupsOf([{ name: 'a', startPosition: 'ID', startID: '1700000000000-0' }]).success);
  assert.ok(!groupsOf([{ name: 'a', startPosition: 'ID' }]).success);
  assert.ok(!groupsOf([{ name: 'a', startID: '1700000000000-0' }]).success);
  assert.ok(!groupsOf([{ name: 'a', startPosition: 'ID', startID: '$' }]).success);
});

test('what a group declares has bounds', () => {
  const faults = [
    { ackWait: '0s' },
    { maxDeliver: 0 },
    { maxPending: 0 },
    { maxPending: 100_000 },
    { deadLetter: { maxLength: 0 } },
  ];
  for (const fault of faults) assert.ok(!groupsOf([{ name: 'a', ...fault }]).success, JSON.stringify(fault));
});
