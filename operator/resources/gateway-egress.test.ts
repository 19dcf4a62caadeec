import assert from 'node:assert/strict';
import { test } from 'node:test';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { MINIMAL_SPEC, ownGroup, PLATFORM_AUTH, subscription } from '../testing/resources.ts';
import { gatewayEgress } from './gateway-egress.ts';

const REDIS = [{ host: '10.1.2.3', port: 6_379 }];
const hooked = (name: string, url: string, more: object = {}) => ({
  ...ownGroup(name),
  webhook: { url, secretRefs: [{ name: 'hook' }], ...more },
});
const egressOf = (spec: object, redis: Parameters<typeof gatewayEgress>[1] = REDIS) =>
  gatewayEgress(subscriptionSchema.parse(subscription('acme', { ...MINIMAL_SPEC, ...spec })), redis);

test('without a webhook or a sink nothing is said of what gateways connect to', () => {
  assert.equal(egressOf({}), null);
  assert.equal(egressOf({ consumerGroups: [ownGroup('default')] }), null);
});

test('W2: where logins may create webhooks, the allowed ports of public addresses are open', () => {
  const rules = egressOf({ webhooks: { allowedPorts: [443, 9_443], selfService: { enabled: true } } });
  assert.partialDeepStrictEqual(rules?.at(-1), {
    ports: [
      { protocol: 'TCP', port: 443 },
      { protocol: 'TCP', port: 9_443 },
    ],
  });
  assert.ok(JSON.stringify(rules?.at(-1)).includes('10.0.0.0/8'));
});

test('W2: a webhook opens its port to public addresses alone; what the resource names stays open', () => {
  const rules = egressOf({
    auth: PLATFORM_AUTH,
    consumerGroups: [hooked('crm', 'https://crm.example.com/'), hooked('erp', 'https://erp.example.com:8443/')],
  });
  const [dns, redis, ...others] = rules ?? [];
  assert.partialDeepStrictEqual(dns, { ports: [{ protocol: 'UDP', port: 53 }] });
  assert.deepEqual(redis, { to: [{ ipBlock: { cidr: '10.1.2.3/32' } }], ports: [{ protocol: 'TCP', port: 6_379 }] });
  assert.deepEqual(others.slice(0, -1), [
    { ports: [{ protocol: 'TCP', port: 443 }] },
    { ports: [{ protocol: 'TCP', port: 8_443 }] },
  ]);
  assert.partialDeepStrictEqual(others.at(-1), {
    ports: [
      { protocol: 'TCP', port: 443 },
      { protocol: 'TCP', port: 8_443 },
    ],
  });
  const text = JSON.stringify(others.at(-1));
  for (const range of ['10.0.0.0/8', '169.254.0.0/16', '100.64.0.0/10', '2000::/3'])
    assert.ok(text.includes(range), range);
});

test('a receiver with a private address is its address, or its port where it has a name', () => {
  const allowed = { allowPrivateAddresses: true };
  const rules = egressOf({
    consumerGroups: [
      hooked('crm', 'http://10.9.8.7:8080/', allowed),
      hooked('erp', 'https://erp.voice.svc:9000/', allowed),
    ],
  });
  assert.deepEqual(rules?.slice(2), [
    { to: [{ ipBlock: { cidr: '10.9.8.7/32' } }], ports: [{ protocol: 'TCP', port: 8_080 }] },
    { ports: [{ protocol: 'TCP', port: 9_000 }] },
  ]);
});

test('a NATS sink opens its servers alone, by address, or by port where they have names', () => {
  const servers = ['tls://10.9.8.7:4223', 'tls://nats.voice.svc', 'tls://[fd00::7]'];
  const rules = egressOf({ consumerGroups: [{ ...ownGroup('bus'), nats: { servers } }] });
  assert.deepEqual(rules?.slice(2), [
    { to: [{ ipBlock: { cidr: '10.9.8.7/32' } }], ports: [{ protocol: 'TCP', port: 4_223 }] },
    { ports: [{ protocol: 'TCP', port: 4_222 }] },
    { to: [{ ipBlock: { cidr: 'fd00::7/128' } }], ports: [{ protocol: 'TCP', port: 4_222 }] },
  ]);
});

test('while it is not known where Redis is, the way to it stays open', () => {
  const rules = egressOf({ consumerGroups: [hooked('crm', 'https://crm.example.com/')] }, null);
  assert.deepEqual(rules?.[1], { ports: [{ protocol: 'TCP' }] });
});
