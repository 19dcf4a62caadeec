import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import { silentLogger } from '../logging/logger.ts';
import { ask } from '../../testing/redis-process.ts';
import { sentinelConnection, startSentinel } from '../../testing/redis-sentinel.ts';
import { becomesReady, commandClient } from './client.ts';
import { MasterWatch } from './master-watch.ts';

const LIMIT = { timeout: 60_000 };

/** Whether it reports so within the test's limit. */
async function comes(confirm: () => Promise<boolean>, wanted: boolean): Promise<void> {
  while ((await confirm()) !== wanted) await new Promise((resolve) => setTimeout(resolve, 50));
}

it('finds the sentinels that the URL does not name, and doubts a master that they hold for down', LIMIT, async () => {
  await using sentinel = await startSentinel({ replicas: 0 });
  const connection = sentinelConnection(sentinel.url);
  const one = { ...connection, nodes: connection.nodes.slice(0, 1) };
  const client = commandClient(one, { logger: silentLogger, name: 'test:watch' });
  assert.ok(await becomesReady(client, 20_000));
  using watch = MasterWatch.of(one, client);
  assert.ok(watch);
  await comes(() => watch.confirm(), true);
  const { port } = await sentinel.master();
  await ask(port, ['acl', 'setuser', 'default', '-ping']);
  await comes(() => watch.confirm(), false);
  await ask(port, ['acl', 'setuser', 'default', '+ping']);
  await comes(() => watch.confirm(), true);
  const ended = once(client, 'end');
  client.disconnect();
  await ended;
  assert.equal(await watch.confirm(), false);
});

it('is there for sentinels alone', () => {
  const client = commandClient('redis://127.0.0.1:1', { logger: silentLogger, name: 'test:watch' });
  assert.equal(MasterWatch.of({ ...sentinelConnection('redis://127.0.0.1:1'), sentinel: null }, client), null);
  client.disconnect();
});
