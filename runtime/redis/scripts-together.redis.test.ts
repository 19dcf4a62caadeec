import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startRedis } from '../../testing/redis-server.ts';
import { silentLogger } from '../logging/logger.ts';
import { becomesReady, commandClient } from './client.ts';
import { defineScript, runsTogether } from './script.ts';

const ECHO = defineScript("if ARGV[1] == 'bad' then return redis.error_reply('WRONG it is bad') end return ARGV[1]");

test('scripts of one turn run in their order, and each gets its own reply, or its own error', async () => {
  await using server = await startRedis();
  using disposables = new DisposableStack();
  const client = commandClient(server.url, { logger: silentLogger, name: 'test' });
  disposables.defer(() => client.disconnect());
  assert.ok(await becomesReady(client, 10_000));
  const run = runsTogether(client);
  const ask = (word: string) =>
    run(ECHO, { keys: [], args: [word] }).then(
      (reply) => (reply as Buffer).toString(),
      (error: unknown) => String(error).replace(/^.*WRONG/, 'WRONG'),
    );
  // The first turn finds a server that does not know the script.
  for (let turn = 0; turn < 2; turn += 1)
    assert.deepEqual(await Promise.all(['one', 'bad', 'two'].map(ask)), ['one', 'WRONG it is bad', 'two']);
  client.disconnect();
  for (const reply of await Promise.allSettled([
    run(ECHO, { keys: [], args: ['a'] }),
    run(ECHO, { keys: [], args: ['b'] }),
  ]))
    assert.equal(reply.status, 'rejected');
});
