import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { connectionLimits, startConnectionQuota } from './connection-quota.ts';

const connections = {
  maxPerReplica: 50,
  slowConsumerPolicy: 'CatchUp',
  maxUnreadBytes: 268_435_456,
  drainTimeout: '60s',
} as const;
const start = (limits: { account: number | null; user: number | null }) =>
  startConnectionQuota({ limits, redis: null, prefix: 'test:', resource: 'a/b', logger: silentLogger });

test('by default one account gets half of a replica, and one user a quarter', () => {
  assert.deepEqual(connectionLimits(connections), { account: 25, user: 12 });
  assert.deepEqual(connectionLimits({ ...connections, maxPerReplica: 1 }), { account: 1, user: 1 });
  assert.deepEqual(connectionLimits({ ...connections, maxPerAccount: 40 }), { account: 40, user: null });
  assert.deepEqual(connectionLimits({ ...connections, maxPerUser: 40 }), { account: 25, user: 40 });
  assert.deepEqual(connectionLimits({ ...connections, maxPerAccount: 40, maxPerUser: 2 }), { account: 40, user: 2 });
});

test('each user and each account has a limit, and what one does not get it does not hold', async () => {
  await using quota = start({ account: 3, user: 2 });
  const [first, second, third] = [
    await quota.reserve({ account: 'a', username: 'eva' }),
    await quota.reserve({ account: 'a', username: 'eva' }),
    await quota.reserve({ account: 'a', username: 'eva' }),
  ];
  assert.deepEqual(third, { slot: null, exceeded: 'user', most: 2 });
  assert.notEqual((await quota.reserve({ account: 'a', username: 'max' })).slot, null);
  assert.deepEqual(await quota.reserve({ account: 'a', username: 'max' }), {
    slot: null,
    exceeded: 'account',
    most: 3,
  });
  assert.notEqual((await quota.reserve({ account: 'b', username: 'eva' })).slot, null);
  first.slot?.release();
  first.slot?.release();
  assert.notEqual((await quota.reserve({ account: 'a', username: 'eva' })).slot, null);
  assert.equal((await quota.reserve({ account: 'a', username: 'max' })).slot, null);
  second.slot?.release();
});
