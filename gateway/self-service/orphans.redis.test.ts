import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { silentLogger } from '../../runtime/logging/logger.ts';
import { becomesReady, commandClient } from '../../runtime/redis/client.ts';
import { startRedis } from '../../testing/redis-server.ts';
import { until } from '../../testing/until.ts';
import { OwnWebhookClient } from '../testing/own-webhook-client.ts';
import { startGateway } from '../testing/running-gateway.ts';

const TENANT = { username: 'operator', password: 'operatorpassword', domain: 'north' };

test(
  'webhooks of an account that is missing for longer than the log keeps events are deleted, and no others',
  { timeout: 180_000 },
  async () => {
    await using redis = await startRedis();
    await using running = await startGateway({
      redisUrl: redis.url,
      // The shortest one.
      stream: { retention: { maxAge: '1m' } },
      webhooks: { selfService: { enabled: true } },
    });
    const url = 'https://crm.example.com/';
    const parent = await new OwnWebhookClient(running, await running.token()).create({ url });
    const token = String((await running.login(TENANT)).body['access_token']);
    const tenant = await new OwnWebhookClient(running, token).create({ url });
    const directory = await readFile(running.directoryFile, 'utf8');
    // The tenant's account has another id from now on.
    await writeFile(running.directoryFile, directory.replaceAll('account_id_1', 'account_id_9'));
    const client = commandClient(redis.url, { logger: silentLogger, name: 'test' });
    using _ = { [Symbol.dispose]: () => client.disconnect() };
    await becomesReady(client, 10_000);
    const left = async (id: string) => (await client.keys(`*${id}*`)).length;
    assert.ok((await left(tenant.id)) > 0);
    await until('nothing left of it', () => left(tenant.id), { holds: (keys) => keys === 0, limitMs: 120_000 });
    assert.ok((await left(parent.id)) > 0);
  },
);
