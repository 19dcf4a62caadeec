import { after, before } from 'node:test';
import { startCluster, type RedisCluster } from '../runtime/testing/redis-cluster.ts';
import { MASTER_NAME, startSentinel, type RedisSentinel } from '../runtime/testing/redis-sentinel.ts';
import { contractSuite } from './contract.suite.ts';
import { gatewaySuite } from './gateway.suite.ts';
import { startGateway } from './testing/running-gateway.ts';

let sentinel: RedisSentinel;
let cluster: RedisCluster;
before(async () => {
  [sentinel, cluster] = await Promise.all([startSentinel(), startCluster()]);
});
after(() => Promise.all([sentinel[Symbol.asyncDispose](), cluster[Symbol.asyncDispose]()]));

let resources = 0;
/** A gateway with streams of its own: the suites send the same events. */
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
