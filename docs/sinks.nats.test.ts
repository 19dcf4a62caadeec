import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { events } from '../gateway/testing/group-replica.ts';
import { SunkResource } from '../gateway/testing/nats-gateway.ts';
import { ADMINISTRATION_PATH, SINKS_PATH } from '../protocol/paths.ts';
import { subscriptionSchema } from '../protocol/subscription.ts';
import { startNats } from '../testing/nats-server.ts';
import { startRedis } from '../testing/redis-server.ts';
import { readRepositoryFile } from './repository.ts';
import { snippet } from './testing/snippets.ts';
import { openWorkplace } from './testing/workplace.ts';

test('the sink of the documentation is a valid part of the resource', () => {
  const resource = parse(snippet('resource')) as { spec: object };
  const { spec } = parse(snippet('sink-resource')) as { spec: object };
  const read = subscriptionSchema.parse({ ...resource, spec: { ...resource.spec, ...spec } });
  assert.equal(read.spec.consumerGroups.find(({ name }) => name === 'bus')?.nats?.format, 'Standard');
});

test('the paths of the documentation are those of the product', () => {
  const page = readRepositoryFile('docs/sinks.md');
  for (const path of [
    `GET ${SINKS_PATH}`,
    `POST ${SINKS_PATH}/<group>/test`,
    `POST ${SINKS_PATH}/<group>/replay`,
    `GET ${ADMINISTRATION_PATH}/dead`,
  ])
    assert.ok(page.includes(path), path);
});

test('the programs of the documentation create the stream and read it', { timeout: 90_000 }, async () => {
  await using workplace = await openWorkplace();
  await using redis = await startRedis();
  await using server = await startNats();
  const { subject, stream } = (
    parse(snippet('sink-resource')) as { spec: { consumerGroups: { nats: { subject: string; stream: string } }[] } }
  ).spec.consumerGroups[0]?.nats ?? { subject: '', stream: '' };
  await using resource = await SunkResource.create({
    redisUrl: redis.url,
    nats: { servers: [server.url], subject, stream },
  });
  for (const name of ['sink-stream', 'sink-consumer']) await workplace.write(`${name}.mjs`, snippet(name));
  const node = 'exec node_modules/.bin/node';
  const environment = { NATS_URL: server.url };
  await workplace.prints(`${node} sink-stream.mjs`, /created CALLS/, environment);
  await using _ = await resource.start();
  await resource.publish(events(['call'], 2));
  const expected = /firehose\.account_id_1\.DTMF call\.dtmf call\/0\nfirehose\.account_id_1\.DTMF call\.dtmf call\/1\n/;
  await workplace.prints(`${node} sink-consumer.mjs`, expected, environment);
});
