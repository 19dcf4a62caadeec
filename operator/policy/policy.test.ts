import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { subscriptionSchema } from '../../protocol/subscription.ts';
import { MINIMAL_SPEC, ownGroup, subscription } from '../testing/resources.ts';
import { refusals, SAFE_POLICY, type Policy } from './policy.ts';
import type { KubeObject } from '../kubernetes/objects.ts';
import { labelsOf } from '../resources/rendering.ts';
import { secretRefusal } from './secrets.ts';

const OWN = 'registry.example.com/firehose:1.0.0';
const judge = (gateway: object, policy: Partial<Policy> = {}) =>
  refusals(
    subscriptionSchema.parse(subscription('acme', { ...MINIMAL_SPEC, gateway })),
    { ...SAFE_POLICY, ...policy },
    OWN,
  );

describe('I16: what a resource may ask for', () => {
  const refusedByDefault: readonly [what: string, gateway: object, list: keyof Policy][] = [
    ['an image', { image: 'evil.example.com/x:1' }, 'images'],
    ['the own image with another tag', { image: 'registry.example.com/firehose:0.9.0' }, 'images'],
    ['a label', { podTemplate: { labels: { app: 'payments' } } }, 'labelPrefixes'],
    [
      'a snippet of nginx',
      { ingress: { host: 'a.b', annotations: { 'nginx.ingress.kubernetes.io/server-snippet': 'x' } } },
      'annotationPrefixes',
    ],
    [
      'an agent injected into the pods',
      { podTemplate: { annotations: { 'vault.hashicorp.com/agent-inject': 'true' } } },
      'annotationPrefixes',
    ],
    [
      'a domain in capitals',
      { podTemplate: { annotations: { 'Sidecar.ISTIO.io/inject': 'true' } } },
      'annotationPrefixes',
    ],
    [
      'a DNS record',
      { service: { annotations: { 'external-dns.alpha.kubernetes.io/hostname': 'www.bank.example' } } },
      'annotationPrefixes',
    ],
    ['a host', { ingress: { host: 'www.bank.example' } }, 'hostSuffixes'],
    ['a host of a route', { route: { parentRefs: [{ name: 'g' }], hostnames: ['www.bank.example'] } }, 'hostSuffixes'],
    ['every host of a route', { route: { parentRefs: [{ name: 'g' }] } }, 'hostSuffixes'],
    ['an issuer', { tls: { issuerRef: { name: 'letsencrypt', kind: 'ClusterIssuer' } } }, 'issuers'],
    ['a name in a certificate', { tls: { issuerRef: { name: 'x' }, dnsNames: ['www.bank.example'] } }, 'hostSuffixes'],
    ['a port of every node', { service: { type: 'NodePort' } }, 'serviceTypes'],
    [
      'a load balancer of another network',
      { service: { type: 'LoadBalancer', loadBalancerClass: 'example.com/internal' } },
      'loadBalancerClasses',
    ],
    ['a priority', { podTemplate: { priorityClassName: 'system-node-critical' } }, 'priorityClasses'],
  ];
  for (const [what, gateway, list] of refusedByDefault) {
    test(`${what} is refused by default, with the value that would allow it`, () => {
      assert.ok(
        judge(gateway).some((text) => text.startsWith('gateway.') && text.endsWith(`(chart value allow.${list})`)),
        judge(gateway).join('; '),
      );
      const open = { ...SAFE_POLICY, [list]: ['*'] };
      assert.ok(!judge(gateway, open).some((text) => text.includes(`allow.${list}`)));
    });
  }

  test('a webhook to a private address is refused by default, and allowed by its host name or one above it', () => {
    const webhook = { url: 'https://crm.voice.svc.cluster.local/hooks', secretRefs: [{ name: 's' }] };
    const judged = (allowPrivateAddresses: boolean, privateWebhookHosts: readonly string[]) => {
      const group = { ...ownGroup('crm'), webhook: { ...webhook, allowPrivateAddresses } };
      const resource = subscriptionSchema.parse(subscription('acme', { ...MINIMAL_SPEC, consumerGroups: [group] }));
      return refusals(resource, { ...SAFE_POLICY, privateWebhookHosts }, OWN);
    };
    assert.match(judged(true, []).join(), /^consumerGroups\[crm\]\.webhook\..*allow\.privateWebhookHosts\)$/);
    assert.equal(judged(true, ['other.svc.cluster.local']).length, 1);
    for (const host of ['crm.voice.svc.cluster.local', 'svc.cluster.local', '*'])
      assert.deepEqual(judged(true, [host]), []);
    assert.deepEqual(judged(false, []), []);
  });

  test('what gives nothing away needs no permission', () => {
    assert.deepEqual(judge({}), []);
    assert.deepEqual(judge({ image: OWN }), []);
    assert.deepEqual(judge({ podTemplate: { annotations: { 'example.com/note': 'x', team: 'voice' } } }), []);
    assert.deepEqual(judge({ tls: { dnsNames: ['calls.example.com'] } }), []);
    for (const type of ['ClusterIP', 'LoadBalancer']) assert.deepEqual(judge({ service: { type } }), [], type);
  });

  test('everything that is refused is told at once', () => {
    const all = judge({
      image: 'evil/x',
      ingress: { host: 'a.b' },
      podTemplate: { labels: { app: 'x' }, priorityClassName: 'p' },
    });
    assert.equal(all.length, 4);
  });

  test('a platform may allow no Service but one within the cluster, and single classes of load balancers', () => {
    const balancer = { type: 'LoadBalancer' };
    assert.equal(judge({ service: balancer }, { serviceTypes: [] }).length, 1);
    // Every resource has a Service: it is ClusterIP unless the resource says otherwise.
    assert.equal(judge({}, { serviceTypes: [] }).length, 0);
    const policy = { loadBalancerClasses: ['example.com/internal'] };
    const of = (loadBalancerClass: string) => judge({ service: { ...balancer, loadBalancerClass } }, policy);
    assert.deepEqual(of('example.com/internal'), []);
    assert.equal(of('example.com/internal-other').length, 1);
  });

  test('a repository allows its tags and digests, and no repository whose name it begins', () => {
    const images = ['registry.example.com:5000/voice/firehose', 'ghcr.io/acme/'];
    const allowed = [
      'registry.example.com:5000/voice/firehose',
      'registry.example.com:5000/voice/firehose:1.2.3',
      `registry.example.com:5000/voice/firehose:1@sha256:${'0'.repeat(64)}`,
      'ghcr.io/acme/firehose:2',
    ];
    for (const image of allowed) assert.deepEqual(judge({ image }, { images }), [], image);
    const refused = [
      'registry.example.com:5000/voice/firehose-evil:1',
      'registry.example.com:5000/voice/firehose/evil:1',
      'registry.example.com/voice/firehose:1',
      'ghcr.io/acme-evil/firehose',
      'ghcr.io/acme',
    ];
    for (const image of refused) assert.equal(judge({ image }, { images }).length, 1, image);
  });

  test('a suffix allows the domain and what is below it, and no domain that ends alike', () => {
    const hostSuffixes = ['calls.example.com', '*.example.org'];
    for (const host of ['calls.example.com', 'a.b.calls.example.com', 'x.example.org']) {
      assert.deepEqual(judge({ ingress: { host } }, { hostSuffixes }), [], host);
    }
    for (const host of ['evilcalls.example.com', 'example.com', 'calls.example.com.evil.net']) {
      assert.equal(judge({ ingress: { host } }, { hostSuffixes }).length, 1, host);
    }
  });

  test('an allowed issuer is one of its kind and its group', () => {
    const policy = { issuers: ['ClusterIssuer/letsencrypt', 'Issuer/*'] };
    const tls = (issuerRef: object) => judge({ tls: { issuerRef } }, policy);
    assert.deepEqual(tls({ name: 'letsencrypt', kind: 'ClusterIssuer' }), []);
    assert.deepEqual(tls({ name: 'any' }), []);
    assert.equal(tls({ name: 'corporate', kind: 'ClusterIssuer' }).length, 1);
    assert.equal(tls({ name: 'letsencrypt', kind: 'ClusterIssuer', group: 'issuers.example.com' }).length, 1);
  });
});

describe('I16: which Secrets a resource may name', () => {
  const secret = (owner: object | null, type = 'Opaque') => ({
    metadata: { name: 's', ...(owner !== null && { ownerReferences: [owner as never] }) },
    type,
  });
  const owner = (kind: string, apiVersion: string, uid = 'other') => ({ kind, apiVersion, uid, name: 'x' });
  const judgeSecret = (one: KubeObject) => secretRefusal(one, 'mine', SAFE_POLICY.secretOwners);

  test('those without an owner, its own, and those of kinds that make Secrets for others', () => {
    assert.equal(judgeSecret(secret(null)), null);
    assert.equal(judgeSecret(secret(owner('FirehoseSubscription', 'firehose.dev/v1alpha1', 'mine'))), null);
    assert.equal(judgeSecret(secret(owner('ExternalSecret', 'external-secrets.io/v1'))), null);
    assert.equal(judgeSecret(secret(owner('Certificate', 'cert-manager.io/v1'))), null);
  });

  test('not those of another resource, whatever its kind', () => {
    assert.match(judgeSecret(secret(owner('FirehoseSubscription', 'firehose.dev/v1alpha1'))) ?? '', /belongs to/);
    assert.match(judgeSecret(secret(owner('Deployment', 'apps/v1'))) ?? '', /belongs to the Deployment x/);
    assert.match(judgeSecret(secret(owner('ConfigMap', 'v1'))) ?? '', /belongs to/);
    // The kind's name alone is not a proof.
    assert.match(judgeSecret(secret(owner('ExternalSecret', 'evil.example.com/v1'))) ?? '', /belongs to/);
  });

  test('not those that the operator made for a resource which was deleted without them', () => {
    const left = { metadata: { name: 's', labels: labelsOf('victim') }, type: 'Opaque' };
    assert.match(judgeSecret(left) ?? '', /was made for the resource victim, which is gone/);
    const isMine = {
      ...left.metadata,
      ownerReferences: [owner('FirehoseSubscription', 'firehose.dev/v1alpha1', 'mine')],
    };
    assert.equal(judgeSecret({ ...left, metadata: isMine }), null);
    // Labels of others, such as those of a chart, say nothing.
    const ofChart = { ...labelsOf('victim'), 'app.kubernetes.io/managed-by': 'Helm' };
    assert.equal(judgeSecret({ ...left, metadata: { name: 's', labels: ofChart } }), null);
  });

  test("not the cluster's own credentials", () => {
    for (const type of ['kubernetes.io/service-account-token', 'helm.sh/release.v1', 'bootstrap.kubernetes.io/token']) {
      assert.match(judgeSecret(secret(null, type)) ?? '', /is of type/);
    }
  });
});
