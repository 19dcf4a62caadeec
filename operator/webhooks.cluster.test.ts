import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { resourceKeys } from '../protocol/keys.ts';
import { subscriptionSchema } from '../protocol/subscription.ts';
import { declarationOf, WEBHOOK_FIELD } from '../protocol/webhook-state.ts';
import { silentLogger } from '../runtime/logging/logger.ts';
import { commandClient, type RedisClient } from '../runtime/redis/client.ts';
import { until } from '../testing/until.ts';
import type { Operator } from './build.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { MINIMAL_SPEC, ownGroup, subscription } from './testing/resources.ts';
import { runOperator } from './testing/run-operator.ts';

const SPEC = {
  ...MINIMAL_SPEC,
  consumerGroups: [
    { ...ownGroup('crm'), webhook: { url: 'https://crm.example.com/hooks', secretRefs: [{ name: 'crm-webhook' }] } },
  ],
};

describe('a resource tells what becomes of its webhooks', () => {
  let platform: Platform;
  let operator: Operator;
  let redis: RedisClient;
  before(async () => {
    platform = await startPlatform();
    await platform.secrets(VOICE);
    const stringData = { secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' };
    const metadata = { name: 'crm-webhook' };
    await platform.plane.admin.must('POST', `/api/v1/namespaces/${VOICE}/secrets`, { metadata, stringData });
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
  const webhook = async () =>
    (await platform.status('acme')).consumerGroups?.find(({ name }) => name === 'crm')?.webhook;

  test('what gateways connect to is limited while a webhook is declared, and not before or after', async () => {
    const policy = async () => {
      const live = await platform.get(`/apis/networking.k8s.io/v1/namespaces/${VOICE}/networkpolicies/acme-gateway`);
      return (live?.['spec'] ?? {}) as { policyTypes?: readonly string[]; egress?: readonly object[] };
    };
    await platform.create('acme', { ...SPEC, consumerGroups: [ownGroup('crm')] });
    await until('a policy', policy, { holds: ({ policyTypes }) => policyTypes?.join() === 'Ingress' });
    await platform.patch('acme', { spec: { consumerGroups: SPEC.consumerGroups } });
    const { egress } = await until('egress rules', policy, {
      holds: ({ policyTypes }) => policyTypes?.join() === 'Ingress,Egress',
    });
    assert.match(
      JSON.stringify(egress),
      /"port":53.*"cidr":"127\.0\.0\.1\/32".*"except":\["0\.0\.0\.0\/8","10\.0\.0\.0\/8"/,
    );
  });

  test('one that was switched off is a condition and a warning with the reason, until it is on again', async () => {
    const parsed = subscriptionSchema.parse(subscription('acme', SPEC, VOICE));
    const declared = parsed.spec.consumerGroups.find(({ name }) => name === 'crm')?.webhook;
    assert.ok(declared);
    const key = resourceKeys(parsed.spec.redis.keyPrefix, `${VOICE}/acme`).webhook('crm');
    await until('a Deployment', () => platform.get(deploymentPath('acme')));
    await until('on', webhook, { holds: (seen) => seen?.state === 'On' });
    const since = Date.now() - 600_000;
    await redis.hset(key, { [WEBHOOK_FIELD.failingSince]: String(since), [WEBHOOK_FIELD.lost]: '3' });
    await touch();
    assert.partialDeepStrictEqual(await until('failing', webhook, { holds: (seen) => seen?.state === 'Failing' }), {
      since: new Date(since).toISOString().replace(/\.\d+/, ''),
      lost: 3,
    });
    assert.equal(await platform.condition('acme', 'WebhookDisabled'), undefined);
    await redis.hset(key, {
      [WEBHOOK_FIELD.disabledReason]: 'gone',
      [WEBHOOK_FIELD.disabledAt]: String(Date.now()),
      [WEBHOOK_FIELD.disabledOf]: declarationOf(declared),
    });
    await touch();
    const condition = await until('the condition', () => platform.condition('acme', 'WebhookDisabled'));
    assert.deepEqual([condition.status, condition.reason], ['True', 'ReceiverGone']);
    assert.match(condition.message, /^crm: the receiver answered 410/);
    assert.partialDeepStrictEqual(await webhook(), { state: 'Off', reason: 'Gone', lost: 3 });
    await until('a warning', async () =>
      (await platform.events()).some(
        ({ type, reason, message }) =>
          type === 'Warning' && reason === 'WebhookDisabled' && /crm: .* 410/.test(message),
      ),
    );
    // A changed declaration is another one.
    await platform.patch('acme', {
      spec: { consumerGroups: [{ ...SPEC.consumerGroups[0], webhook: { ...declared, timeout: '14s' } }] },
    });
    await until('failing still, and not off', webhook, { holds: (seen) => seen?.state === 'Failing' });
    await until('no condition', async () => (await platform.condition('acme', 'WebhookDisabled')) === undefined);
  });
});
