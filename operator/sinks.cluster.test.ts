import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { resourceKeys } from '../protocol/keys.ts';
import { subscriptionSchema } from '../protocol/subscription.ts';
import { WEBHOOK_FIELD } from '../protocol/webhook-state.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { commandClient, type RedisClient } from '../runtime/redis/client.ts';
import { until } from '../testing/until.ts';
import type { Operator } from './build.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { MINIMAL_SPEC, ownGroup, subscription } from './testing/resources.ts';
import { runOperator } from './testing/run-operator.ts';

const NATS = { servers: ['nats://10.9.8.7:4222'], loginSecretName: 'bus-login' };
const SPEC = { ...MINIMAL_SPEC, consumerGroups: [{ ...ownGroup('bus'), nats: NATS }] };

describe('a resource tells what becomes of its sinks', () => {
  let platform: Platform;
  let operator: Operator;
  let redis: RedisClient;
  before(async () => {
    platform = await startPlatform();
    await platform.secrets(VOICE);
    redis = commandClient(platform.redis.url, { logger: silentLogger, name: 'test' });
    operator = await runOperator(platform);
  });
  after(async () => {
    redis.disconnect();
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });
  /** The resource is looked at again, as it is every half minute. */
  const touch = () => platform.patch('acme', { metadata: { annotations: { touched: String(Math.random()) } } });
  const sink = async () => (await platform.status('acme')).consumerGroups?.find(({ name }) => name === 'bus')?.nats;

  test('its credentials are required, mounted, and its servers the only way out', async () => {
    await platform.create('acme', SPEC);
    const missing = await until('a missing Secret', () => platform.condition('acme', 'ReferencesResolved'), {
      holds: (seen) => seen?.status === 'False',
    });
    assert.match(missing.message, /consumerGroups\[bus\]\.nats\.loginSecretName: there is no Secret bus-login/);
    const stringData = { username: 'firehose', password: 'canary-password' };
    const metadata = { name: 'bus-login' };
    await platform.plane.admin.must('POST', `/api/v1/namespaces/${VOICE}/secrets`, { metadata, stringData });
    await touch();
    const deployment = await until('a Deployment', () => platform.get(deploymentPath('acme')));
    assert.match(JSON.stringify(deployment), /"key":"password","path":"nats\/bus\.password"/);
    assert.doesNotMatch(JSON.stringify(deployment), /canary/);
    const policy = await until('a policy', () =>
      platform.get(`/apis/networking.k8s.io/v1/namespaces/${VOICE}/networkpolicies/acme-gateway`),
    );
    assert.match(JSON.stringify(policy), /"port":4222.*"cidr":"10\.9\.8\.7\/32"/);
    assert.doesNotMatch(JSON.stringify(policy), /"except"/);
  });

  test('one that fails is a condition and a warning with cause and remedy, until it works', async () => {
    const { spec } = subscriptionSchema.parse(subscription('acme', SPEC, VOICE));
    const key = resourceKeys(spec.redis.keyPrefix, `${VOICE}/acme`).webhook('bus');
    await until('on', sink, { holds: (seen) => seen?.state === 'On' });
    const since = Date.now() - 600_000;
    await redis.hset(key, {
      [WEBHOOK_FIELD.failingSince]: String(since),
      [WEBHOOK_FIELD.failingCause]: 'AUTHORIZATION_VIOLATION',
      [WEBHOOK_FIELD.lost]: '3',
    });
    await touch();
    const time = new Date(since).toISOString().replace(/\.\d+/, '');
    assert.deepEqual(await until('failing', sink, { holds: (seen) => seen?.state === 'Failing' }), {
      state: 'Failing',
      cause: 'AUTHORIZATION_VIOLATION',
      since: time,
      lost: 3,
    });
    const condition = await until('the condition', () => platform.condition('acme', 'SinkFailing'));
    assert.deepEqual([condition.status, condition.reason], ['True', 'NatsFailing']);
    assert.match(condition.message, /^bus: NATS has taken nothing since .* the servers refuse the credentials/);
    await until('a warning', async () =>
      (await platform.events()).some(({ type, reason }) => type === 'Warning' && reason === 'SinkFailing'),
    );
    await redis.hdel(key, WEBHOOK_FIELD.failingSince, WEBHOOK_FIELD.failingCause);
    await touch();
    await until('no condition', async () => (await platform.condition('acme', 'SinkFailing')) === undefined);
    assert.deepEqual(await sink(), { state: 'On', lost: 3 });
  });
});
