import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { aclRules } from '../../runtime/redis/acl.ts';
import { startCluster, type RedisCluster } from '../../testing/redis-cluster.ts';
import { ask } from '../../testing/redis-process.ts';
import { MASTER_NAME, startSentinel, type RedisSentinel } from '../../testing/redis-sentinel.ts';
import { recordedLogger } from '../../testing/recorded-logger.ts';
import { startRedis, type RedisServer } from '../../testing/redis-server.ts';
import { contractSuite } from './contract.suite.ts';
import { event, gatewaySuite } from './gateway.suite.ts';
import { startGateway } from '../testing/running-gateway.ts';
import { until } from '../../testing/until.ts';

const PASSWORD = 'canary-of-the-user';
const SENTINEL_PASSWORD = 'canary-of-the-sentinels';
const USER = `firehose ${aclRules()} >${PASSWORD}`;
const withUser = (url: string) => url.replace('redis://', `redis://firehose:${PASSWORD}@`);

let redis: RedisServer;
let sentinel: RedisSentinel;
let cluster: RedisCluster;
before(async () => {
  [redis, sentinel, cluster] = await Promise.all([
    startRedis({ users: [USER] }),
    startSentinel({ users: [USER], sentinelPassword: SENTINEL_PASSWORD }),
    startCluster({ users: [USER] }),
  ]);
});
after(() => Promise.all([redis, sentinel, cluster].map((one) => one[Symbol.asyncDispose]())));

let resources = 0;
/** Each test has streams of its own, within the prefix that the user may use. */
const open = (url: () => string, fields: object, environment: Record<string, string> = {}) => {
  const name = `acl-${(resources += 1)}`;
  return { name, redisUrl: withUser(url()), redis: { ...fields, keyPrefix: `firehose:${name}:` }, environment };
};

gatewaySuite('Redis as the user of least privilege', () => startGateway(open(() => redis.url, {})));
contractSuite('Redis as the user of least privilege', () =>
  startGateway({ ...open(() => redis.url, {}), plain: true }),
);

const SENTINELS = { mode: 'Sentinel', sentinel: { masterName: MASTER_NAME } };
gatewaySuite('Redis behind sentinels, with a user there and a password here', () =>
  startGateway(open(() => sentinel.url, SENTINELS, { REDIS_SENTINEL_PASSWORD: SENTINEL_PASSWORD })),
);
gatewaySuite('a Redis Cluster as the user of least privilege', () =>
  startGateway(open(() => cluster.url, { mode: 'Cluster' })),
);

describe('a user who lacks something', () => {
  for (const [lacking, message] of [
    ['-xadd', 'events cannot be appended'],
    ['-xread', 'the event log is unavailable'],
    ['-evalsha', 'the streams cannot be created or read'],
  ] as const) {
    it(`without ${lacking.slice(1)} the log says NOPERM once, and what to do`, { timeout: 30_000 }, async () => {
      await using limited = await startRedis({ users: [`${USER} ${lacking}`] });
      const { lines, logger } = recordedLogger();
      await using running = await startGateway({ redisUrl: withUser(limited.url), logger });
      const found = () => lines.filter((line) => line.includes(message) && line.includes('"code":"NOPERM"'));
      await until('the missing command in the log', async () => {
        await running.ingest(event('account_id_1', 'CHANNEL_HOLD', 1));
        return found().length > 0;
      });
      assert.equal(found().length, 1);
      assert.match(lines.join(''), /lacks a command or a key/);
      assert.doesNotMatch(lines.join(''), /canary/);
    });
  }

  it('may touch no key outside the prefix, and run nothing that is not in the rules', async () => {
    const as = (...command: string[]) =>
      ask(redis.port, command, PASSWORD, 'firehose').then(String, (error: Error) => error.message.split(' ')[0]);
    assert.equal(await as('get', 'firehose:x'), 'null');
    assert.equal(await as('get', 'other'), 'NOPERM');
    for (const command of [['keys', '*'], ['flushall'], ['config', 'get', '*'], ['acl', 'list'], ['client', 'list']]) {
      assert.equal(await as(...command), 'NOPERM', command.join(' '));
    }
  });
});
