import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startCluster, type RedisCluster } from '../../testing/redis-cluster.ts';
import { MASTER_NAME, startSentinel, type RedisSentinel } from '../../testing/redis-sentinel.ts';
import { contractSuite } from './contract.suite.ts';
import { gatewaySuite } from './gateway.suite.ts';
import { revocationSuite } from './revocation.suite.ts';
import { Refused, startGateway } from '../testing/running-gateway.ts';

let sentinel: RedisSentinel;
let cluster: RedisCluster;
before(async () => {
  [sentinel, cluster] = await Promise.all([startSentinel(), startCluster()]);
});
after(() => Promise.all([sentinel[Symbol.asyncDispose](), cluster[Symbol.asyncDispose]()]));

let resources = 0;
/** A gateway with streams of its own, because the suites send the same events. */
const open = (url: () => string, redis: object, plain: boolean) => () => {
  const name = `modes-${(resources += 1)}`;
  return startGateway({ name, plain, redisUrl: url(), redis: { ...redis, keyPrefix: `${name}:` } });
};

const behindSentinels = { mode: 'Sentinel', sentinel: { masterName: MASTER_NAME } };
gatewaySuite(
  'Redis behind sentinels',
  open(() => sentinel.url, behindSentinels, false),
);
contractSuite(
  'Redis behind sentinels',
  open(() => sentinel.url, behindSentinels, true),
);

const inCluster = { mode: 'Cluster' };
gatewaySuite(
  'a Redis Cluster',
  open(() => cluster.url, inCluster, false),
);
contractSuite(
  'a Redis Cluster',
  open(() => cluster.url, inCluster, true),
);

revocationSuite(
  'Redis behind sentinels',
  open(() => sentinel.url, behindSentinels, true),
);
revocationSuite(
  'a Redis Cluster',
  open(() => cluster.url, inCluster, true),
);

test('a quota is counted over all replicas in a Redis Cluster', { timeout: 60_000 }, async () => {
  const redis = { ...inCluster, keyPrefix: 'quota:' };
  const connections = { maxPerAccount: 3 };
  await using one = await startGateway({ name: 'quota', plain: true, redisUrl: cluster.url, redis, connections });
  await using two = await one.another();
  const token = await one.token();
  const attempts = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? one : two).connect(`?token=${token}`));
  const outcomes = await Promise.allSettled(attempts);
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 3);
  for (const outcome of outcomes) {
    if (outcome.status === 'rejected')
      assert.ok(outcome.reason instanceof Refused && outcome.reason.code === 'account_quota');
  }
});
