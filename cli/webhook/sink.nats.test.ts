import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { events } from '../../gateway/testing/group-replica.ts';
import { SunkResource, TestStream } from '../../gateway/testing/nats-gateway.ts';
import { startNats } from '../../testing/nats-server.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { start } from '../tail/testing/typed.ts';

test('firehose sink: test, list, show and replay ask the gateway', { timeout: 120_000 }, async () => {
  await using redis = await startRedis();
  await using server = await startNats();
  const stream = new TestStream({ servers: server.url });
  const nats = { servers: [server.url] };
  await using resource = await SunkResource.create({ redisUrl: redis.url, nats });
  await using gateway = await resource.start();
  const firehose = async (...args: readonly string[]) => {
    const environment = { FIREHOSE_STATE: join(resource.folder, 'state') };
    return start(['sink', ...args, '--inner-port', String(gateway.innerPort)], environment).ended;
  };
  await until('the credentials read', async () => (await firehose('list')).output, {
    holds: (seen) => seen.includes('sending'),
  });
  const refused = await firehose('test', 'bus');
  assert.deepEqual([refused.code, /^NATS: NO_STREAM after \d+ ms\n$/.test(refused.output)], [1, true]);
  await stream.create();
  assert.match((await firehose('test', 'bus')).output, /^CALLS 1 after \d+ ms\n$/);
  await resource.publish(events(['call-a'], 2));
  await until('three messages', () => stream.count(), { holds: (seen) => seen === 3 });
  await until('the first one acknowledged', async () => (await firehose('show', 'bus')).output, {
    holds: (seen) => /call-a\/0 +1 +acknowledged/.test(seen),
  });
  const replayed = await firehose('replay', 'bus', '--from', '-1h');
  assert.deepEqual([replayed.code, replayed.output], [0, 'done: 2 sent, 0 refused\n']);
  assert.equal(await stream.count(), 3);
  assert.match((await firehose('show', 'none')).errors, /404 no_such_sink/);
});
