import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { MINIMAL_SPEC, subscription } from '../testing/resources.ts';
import { clientAddresses } from './client-addresses.ts';
import { directoryAge } from './directory-age.ts';
import { unknownEventNames } from './event-names.ts';

const parsed = (spec: object) => subscriptionSchema.parse(subscription('acme', { ...MINIMAL_SPEC, ...spec }));

describe('event names in filters', () => {
  test('a name of no catalogue is named with what was probably meant', () => {
    const finding = unknownEventNames(parsed({ filters: { events: ['CHANNEL_ANSWERED', 'DTMF'] } }));
    assert.match(
      finding?.message ?? '',
      /^filters\.events: CHANNEL_ANSWERED \(did you mean CHANNEL_ANSWER\?\) is in no/,
    );
  });

  test('so are those of groups, and of what is excluded; all at once', () => {
    const finding = unknownEventNames(
      parsed({
        filters: { excludeEvents: ['DTFM'] },
        consumerGroups: [{ name: 'billing', filters: { events: ['SOMETHING_ELSE'] } }],
      }),
    );
    assert.match(
      finding?.message ?? '',
      /excludeEvents: DTFM \(did you mean DTMF\?\); consumerGroups\[billing\]\.filters\.events: SOMETHING_ELSE is/,
    );
  });

  test('known names, and those that the resource declares, are no fault', () => {
    assert.equal(unknownEventNames(parsed({})), null);
    assert.equal(
      unknownEventNames(
        parsed({ filters: { events: ['QUEUE_ENTERED', 'DTMF'], additionalEvents: ['QUEUE_ENTERED'] } }),
      ),
      null,
    );
  });
});

describe('the addresses of clients', () => {
  const ingress = { host: 'a.b' };
  const route = { parentRefs: [{ name: 'g' }] };
  test('an exposure through a proxy that is not trusted is named, with the remedy', () => {
    for (const gateway of [{ ingress }, { route }, { service: { type: 'NodePort' } }]) {
      const finding = clientAddresses(parsed({ gateway }));
      assert.match(finding?.message ?? '', /share its address in every limit: .*gateway\.trustedProxies/);
    }
  });

  test('a trusted proxy, the PROXY protocol, a load balancer and a cluster address are no fault', () => {
    const trusted = { trustedProxies: ['10.0.0.0/8'] };
    for (const gateway of [
      {},
      { service: { type: 'LoadBalancer' } },
      { ingress, ...trusted },
      { route, ...trusted, proxyProtocol: true },
    ]) {
      assert.equal(clientAddresses(parsed({ gateway })), null, JSON.stringify(gateway));
    }
  });
});

describe('a directory that is asked over HTTP', () => {
  const now = Date.parse('2026-01-02T03:04:05Z');
  const replica = (fault: string | null, ageMs: number) => ({
    replica: 'a',
    keys: [],
    connections: 0,
    groups: {},
    revision: '',
    leaving: false,
    directory: { confirmedAt: now - ageMs, fault },
  });
  test('is told while it is away for more than ten minutes, or serves what is not taken over', () => {
    assert.equal(directoryAge([replica(null, 0), replica('directory_timeout', 599_000)], now), null);
    const away = directoryAge([replica(null, 0), replica('directory_timeout', 601_000)], now);
    assert.equal(away?.reason, 'DirectoryAway');
    assert.match(away.message, /the directory of 2026-01-02T02:54Z \(directory_timeout\)/);
    assert.equal(directoryAge([replica('directory_shrunk', 0)], now)?.reason, 'DirectoryShrunk');
    assert.equal(directoryAge([replica('directory_invalid', 0)], now)?.reason, 'DirectoryInvalid');
  });

  test('is no fault where it is a file, or gateways cannot be asked', () => {
    const { directory: _, ...file } = replica(null, 0);
    assert.equal(directoryAge([file], now), null);
    assert.equal(directoryAge(null, now), null);
  });
});
