import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { ADMIN, startGateway } from '../../gateway/testing/running-gateway.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { linesOf, start, type } from './testing/typed.ts';

test(
  'as a member of a group, what was printed is acknowledged and comes to nobody again',
  { timeout: 90_000 },
  async () => {
    await using redis = await startRedis();
    await using gateway = await startGateway({ redisUrl: redis.url, groups: [{ name: 'default', ackWait: '30s' }] });
    const environment = {
      FIREHOSE_URL: `https://localhost:${gateway.gateway.port}`,
      FIREHOSE_CA: join(gateway.stateFolder, 'ca.crt'),
      FIREHOSE_USERNAME: ADMIN.username,
      FIREHOSE_DOMAIN: ADMIN.domain,
      FIREHOSE_PASSWORD: ADMIN.password,
    };
    let produced = 0;
    const produce = async () => {
      const vars = { 'Account-ID': 'account_id_1' };
      const event = { 'Event-Name': 'DTMF', 'Call-ID': 'call', n: produced, 'Custom-Channel-Vars': vars };
      assert.equal((await gateway.ingest(JSON.stringify(event))).body['accepted'], 1);
      produced += 1;
    };
    const numbers = (output: string) => linesOf(output).map(({ n }) => Number(n));
    // A reader that dies has read the printed deliveries: they are acknowledged, and the group continues after them.
    const first = start(['tail', '--group', 'default'], environment);
    await until('the first events', async () => {
      await produce();
      return numbers(first.output()).length >= 3;
    });
    first.child.kill('SIGINT');
    const { code, output, errors } = await first.ended;
    assert.deepEqual([code, errors], [0, '']);
    const before = numbers(output);
    await produce();
    const rest = produced - (before.at(-1) ?? 0) - 1;
    const second = await type(['tail', '--group', 'default', '--count', String(rest)], environment).ended;
    assert.equal(second.code, 0, second.errors);
    const all = [...before, ...numbers(second.output)];
    assert.deepEqual(
      all,
      Array.from({ length: all.length }, (_, at) => (before[0] ?? 0) + at),
    );
    assert.match(second.output, /"attempt":[12]/);
  },
);
