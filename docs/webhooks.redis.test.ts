import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { HookedResource, newSecret } from '../gateway/testing/webhook-gateway.ts';
import { events } from '../gateway/testing/group-replica.ts';
import { startGateway } from '../gateway/testing/running-gateway.ts';
import { ADMINISTRATION_PATH, OWN_WEBHOOKS_PATH, WEBHOOKS_PATH } from '../protocol/paths.ts';
import { subscriptionSchema } from '../protocol/subscription.ts';
import { startRedis } from '../testing/redis-server.ts';
import { until } from '../testing/until.ts';
import { readRepositoryFile } from './repository.ts';
import { snippet } from './testing/snippets.ts';
import { openWorkplace } from './testing/workplace.ts';

test('the webhook of the documentation is a valid part of the resource', () => {
  const resource = parse(snippet('resource')) as { spec: object };
  const { spec } = parse(snippet('webhook-resource')) as { spec: object };
  const read = subscriptionSchema.parse({ ...resource, spec: { ...resource.spec, ...spec } });
  assert.equal(read.spec.consumerGroups.find(({ name }) => name === 'crm')?.webhook?.format, 'Standard');
});

test('the paths of the documentation are those of the product', () => {
  const page = readRepositoryFile('docs/webhooks.md');
  for (const path of [
    `GET ${WEBHOOKS_PATH}`,
    `POST ${WEBHOOKS_PATH}/<group>/enable`,
    `GET ${ADMINISTRATION_PATH}/dead`,
    `PATCH ${OWN_WEBHOOKS_PATH}/<id>`,
    `POST ${OWN_WEBHOOKS_PATH}/<id>/secret`,
  ])
    assert.ok(page.includes(path), path);
});

test('a login creates a webhook as the documentation says', { timeout: 90_000 }, async () => {
  await using workplace = await openWorkplace();
  await using redis = await startRedis();
  const { spec } = parse(snippet('own-webhook-resource')) as { spec: { webhooks: object } };
  await using running = await startGateway({ redisUrl: redis.url, webhooks: spec.webhooks });
  await workplace.prints(snippet('own-webhook-create'), /"secret":"whsec_/, {
    CA: join(running.stateFolder, 'ca.crt'),
    TOKEN: await running.token(),
    GATEWAY: `https://localhost:${running.gateway.port}`,
  });
});

test(
  'the commands of the documentation receive webhooks here, and send a range again',
  { timeout: 90_000 },
  async () => {
    await using workplace = await openWorkplace();
    await using redis = await startRedis();
    const secret = newSecret();
    const listen = snippet('webhook-listen').replace('--port 8080', '--port 0');
    const environment = { WEBHOOK_SECRET: secret };
    await using receiver = await workplace.starts(listen, /on http:\/\/localhost:(\d+)/, environment);
    const url = `http://localhost:${receiver.match[1]}/`;
    const hooked = { redisUrl: redis.url, receiver: { url, secret, caFile: null } };
    await using resource = await HookedResource.create(hooked);
    await using gateway = await resource.start();
    await resource.publish(events(['call'], 2));
    const shown = async () => (await resource.administer(gateway.innerPort, '/webhooks/crm')).body;
    await until('two requests', shown, { holds: ({ attempts }) => (attempts as unknown[]).length === 2 });
    const at = { FIREHOSE_INNER_PORT: String(gateway.innerPort), FIREHOSE_STATE: `${resource.folder}/state` };
    await workplace.prints(snippet('webhook-replay'), /done: 2 sent, 0 refused/, at);
  },
);
