import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Operator } from './build.ts';
import type { KubeObject } from './kubernetes/objects.ts';
import { installForeignKinds } from './testing/foreign-kinds.ts';
import { deploymentPath, startPlatform, VOICE, type Platform } from './testing/platform.ts';
import { MINIMAL_SPEC, ownGroup, subscription } from './testing/resources.ts';
import { SIMULATOR_SPEC, source } from './testing/sources.ts';
import { sourcesOf, workloadPath } from './testing/sources-platform.ts';
import { runOperator } from './testing/run-operator.ts';
import { until } from '../testing/until.ts';

const TENANT = `system:serviceaccount:${VOICE}:tenant`;
const CANARY = 'canary';
const MERGE = 'application/merge-patch+json';
const RBAC = `/apis/rbac.authorization.k8s.io/v1/namespaces/${VOICE}`;
const secrets = `/api/v1/namespaces/${VOICE}/secrets`;
const gateway = (more: object) => ({ gateway: more });
const host = `${CANARY}.bank.example`;

/** An attempt of a tenant: the field, and the name of the rule that refuses it. */
const ATTEMPTS: readonly [what: string, spec: object, says: RegExp][] = [
  ['an image', gateway({ image: `evil.example.com/${CANARY}:1` }), /allow\.images/],
  ['a label', gateway({ podTemplate: { labels: { app: CANARY } } }), /allow\.labelPrefixes/],
  [
    'an injected agent',
    gateway({ podTemplate: { annotations: { 'vault.hashicorp.com/role': CANARY } } }),
    /allow\.annotationPrefixes/,
  ],
  [
    'a DNS record',
    gateway({ service: { annotations: { 'external-dns.alpha.kubernetes.io/hostname': host } } }),
    /allow\.annotationPrefixes/,
  ],
  ['a host', gateway({ ingress: { host } }), /allow\.hostSuffixes/],
  [
    'a snippet',
    gateway({ ingress: { host, annotations: { 'nginx.ingress.kubernetes.io/server-snippet': CANARY } } }),
    /allow\.annotationPrefixes/,
  ],
  ['a route', gateway({ route: { parentRefs: [{ name: 'edge' }], hostnames: [host] } }), /allow\.hostSuffixes/],
  ['a route for every host', gateway({ route: { parentRefs: [{ name: CANARY }] } }), /allow\.hostSuffixes/],
  ['an issuer', gateway({ tls: { issuerRef: { name: CANARY, kind: 'ClusterIssuer' } } }), /allow\.issuers/],
  ['a port of every node', gateway({ service: { type: 'NodePort' } }), /allow\.serviceTypes/],
  [
    'a load balancer of another network',
    gateway({ service: { type: 'LoadBalancer', loadBalancerClass: `example.com/${CANARY}` } }),
    /allow\.loadBalancerClasses/,
  ],
  ['a priority', gateway({ podTemplate: { priorityClassName: `${CANARY}-critical` } }), /allow\.priorityClasses/],
  [
    'a webhook into the cluster',
    {
      consumerGroups: [
        {
          ...ownGroup('crm'),
          webhook: { url: `https://${CANARY}.svc/`, secretRefs: [{ name: 'crm' }], allowPrivateAddresses: true },
        },
      ],
    },
    /allow\.privateWebhookHosts/,
  ],
  [
    "another resource's signing keys, as its own",
    { auth: { ...MINIMAL_SPEC.auth, token: { signing: { secretName: 'victim-signing-keys' } } } },
    /victim-signing-keys belongs to the FirehoseSubscription victim/,
  ],
  [
    "another resource's administrators' token, as ingest token",
    { ingest: { tokenSecretRef: { name: 'victim-admin-token' } } },
    /victim-admin-token belongs to the FirehoseSubscription victim/,
  ],
  [
    "another resource's certificate authority",
    gateway({ tls: { secretName: 'victim-ca' } }),
    /victim-ca belongs to the FirehoseSubscription victim/,
  ],
  [
    'a Secret that another kind owns, sent to a collector',
    { telemetry: { otlp: { endpoint: 'http://collector:4318', headersSecretName: 'owned' } } },
    /owned belongs to the ConfigMap holder/,
  ],
  [
    'the token of a service account, as directory',
    { auth: { directory: { secretRef: { name: 'robot', key: 'token' } } } },
    /robot is of type kubernetes\.io\/service-account-token/,
  ],
  [
    'the token of a service account, as Redis',
    { redis: { urlSecretRef: { name: 'robot', key: 'token' } } },
    /robot is of type kubernetes\.io\/service-account-token/,
  ],
  [
    'credentials of a registry that are owned',
    gateway({ imagePullSecrets: [{ name: 'owned' }] }),
    /owned belongs to the ConfigMap holder/,
  ],
];

const sim = (more: object) => ({ ...SIMULATOR_SPEC, ...more });
const socket = (secret: string) => ({
  redis: SIMULATOR_SPEC.redis,
  freeswitch: { endpoints: [{ name: 'fs1', host, credentialsSecretRef: { name: secret } }] },
});
const listener = (more: object) => ({
  redis: SIMULATOR_SPEC.redis,
  asterisk: {
    endpoints: [{ name: 'pbx1', interface: 'ARIOutbound', credentialsSecretRef: { name: 'ami' } }],
    listen: more,
  },
});

/** The same through a FirehoseSource. */
const BY_SOURCES: readonly [what: string, spec: object, says: RegExp][] = [
  ['an image', sim({ image: `evil.example.com/${CANARY}:1` }), /^image: .*allow\.images/],
  ['a label', sim({ podTemplate: { labels: { app: CANARY } } }), /allow\.labelPrefixes/],
  [
    'an injected agent',
    sim({ podTemplate: { annotations: { 'vault.hashicorp.com/role': CANARY } } }),
    /allow\.annotationPrefixes/,
  ],
  ['a priority', sim({ podTemplate: { priorityClassName: `${CANARY}-critical` } }), /allow\.priorityClasses/],
  [
    'a DNS record',
    listener({ service: { annotations: { 'external-dns.alpha.kubernetes.io/hostname': host } } }),
    /allow\.annotationPrefixes/,
  ],
  ['an issuer', listener({ tls: { issuerRef: { name: CANARY, kind: 'ClusterIssuer' } } }), /allow\.issuers/],
  ['a port of every node', listener({ service: { type: 'NodePort' } }), /allow\.serviceTypes/],
  [
    'a certificate for a host',
    listener({ tls: { issuerRef: { name: CANARY }, dnsNames: [host] } }),
    /allow\.hostSuffixes/,
  ],
  [
    "a subscription's administrators' token, sent to a switch of its own",
    socket('victim-admin-token'),
    /victim-admin-token belongs to the FirehoseSubscription victim/,
  ],
  ['a Secret that another kind owns, sent to a switch', socket('owned'), /owned belongs to the ConfigMap holder/],
  [
    'the token of a service account, as the URL of a broker',
    { redis: SIMULATOR_SPEC.redis, kazoo: { brokers: [{ urlSecretRef: { name: 'robot', key: 'token' } }] } },
    /robot is of type kubernetes\.io\/service-account-token/,
  ],
  [
    'the token of a service account, as directory',
    sim({ accounts: { fromDirectory: true, directorySecretRef: { name: 'robot', key: 'token' } } }),
    /robot is of type kubernetes\.io\/service-account-token/,
  ],
  [
    "another resource's certificate",
    listener({ tls: { secretName: 'victim-tls' } }),
    /victim-tls belongs to the FirehoseSubscription victim/,
  ],
  [
    'a collector at the metadata server',
    sim({ telemetry: { otlp: { endpoint: 'http://169.254.169.254' } } }),
    /otlp\.endpoint/,
  ],
];

describe('I16: a user with rights on firehosesubscriptions and firehosesources alone', () => {
  let platform: Platform;
  let operator: Operator;
  before(async () => {
    platform = await startPlatform();
    await installForeignKinds(platform.plane);
    await platform.secrets(VOICE);
    operator = await runOperator(platform);
    await platform.create('victim');
    await until('the keys of the victim', () => platform.get(`${secrets}/victim-admin-token`));
    await platformSecrets(platform);
    await tenantRights(platform);
  });
  after(async () => {
    await operator[Symbol.asyncDispose]();
    await platform[Symbol.asyncDispose]();
  });

  const asTenant = (args: readonly string[], input?: object) =>
    platform.plane.kubectl(['--as', TENANT, '-n', VOICE, ...args], input && JSON.stringify(input));
  const refusal = (name: string, says: RegExp) =>
    until(`the refusal of ${name}`, async () => {
      const { conditions = [] } = await platform.status(name);
      const ready = conditions.find(({ type }) => type === 'Ready');
      return ready?.status === 'False' && conditions.some(({ message }) => says.test(message)) ? conditions : null;
    });
  /** Everything in the namespace that a resource may own. */
  const objectsOf = async (name: string): Promise<readonly KubeObject[]> => {
    const kinds = 'deployments,ingresses,httproutes,certificates,services,configmaps';
    const list = JSON.parse(await platform.plane.kubectl(['get', kinds, '-n', VOICE, '-o', 'json'])) as {
      items: KubeObject[];
    };
    return list.items.filter(({ metadata }) => metadata.ownerReferences?.some((owner) => owner.name === name));
  };

  test('cannot read a Secret, and makes resources', async () => {
    await assert.rejects(asTenant(['get', 'secret', 'victim-admin-token']), /forbidden/);
    assert.match(await asTenant(['auth', 'can-i', 'create', 'firehosesubscriptions']), /yes/);
  });

  for (const [index, [what, spec, says]] of ATTEMPTS.entries()) {
    test(`does not obtain ${what}`, async () => {
      const name = `attempt-${index}`;
      await asTenant(['create', '-f', '-'], subscription(name, { ...MINIMAL_SPEC, ...spec }, VOICE));
      const conditions = await refusal(name, says);
      const isPolicy = conditions.some(({ reason }) => reason === 'NotAllowed');
      const references = conditions.find(({ type }) => type === 'ReferencesResolved');
      assert.ok(isPolicy || references?.status === 'False');
      assert.equal(await platform.get(deploymentPath(name)), null);
      for (const object of await objectsOf(name)) {
        // The gateway's own view of the resource grants no right: it repeats what was written.
        if (object.kind === 'ConfigMap') continue;
        assert.doesNotMatch(JSON.stringify(object), new RegExp(CANARY), `${object.kind} ${object.metadata.name}`);
      }
    });
  }

  for (const [index, [what, spec, says]] of BY_SOURCES.entries()) {
    test(`does not obtain ${what}, by a source`, async () => {
      const name = `source-${index}`;
      await asTenant(['create', '-f', '-'], source(name, spec, VOICE));
      await until(`the refusal of ${name}`, async () => {
        const { conditions = [] } = await sourcesOf(platform).status(name);
        const isReady = conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
        return !isReady && conditions.some(({ message }) => says.test(message));
      });
      assert.equal(await platform.get(workloadPath(name)), null);
      for (const object of await objectsOf(name)) {
        if (object.kind === 'ConfigMap') continue;
        assert.doesNotMatch(JSON.stringify(object), new RegExp(CANARY), `${object.kind} ${object.metadata.name}`);
      }
    });
  }

  test('does not obtain the keys of a resource by deleting it with `--cascade=orphan`', async () => {
    await platform.create('bereft', { ...MINIMAL_SPEC, redis: { ...MINIMAL_SPEC.redis, keyPrefix: 'bereft:' } });
    await until('the keys of the victim', () => platform.get(`${secrets}/bereft-signing-keys`));
    await asTenant(['delete', 'fhs', 'bereft', '--cascade=orphan']);
    assert.equal((await platform.get(`${secrets}/bereft-signing-keys`))?.metadata.ownerReferences, undefined);
    const attempts = {
      heir: { auth: { ...MINIMAL_SPEC.auth, token: { signing: { secretName: 'bereft-signing-keys' } } } },
      thief: { ingest: { tokenSecretRef: { name: 'bereft-admin-token' } } },
    };
    for (const [name, spec] of Object.entries(attempts)) {
      await asTenant(['create', '-f', '-'], subscription(name, { ...MINIMAL_SPEC, ...spec }, VOICE));
      await refusal(name, /was made for the resource bereft, which is gone/);
      assert.equal(await platform.get(deploymentPath(name)), null);
    }
    await asTenant(['create', '-f', '-'], source('siphon', socket('bereft-admin-token'), VOICE));
    await until('the refusal of the source', async () =>
      ((await sourcesOf(platform).status('siphon')).conditions ?? []).some(({ message }) =>
        /which is gone/.test(message),
      ),
    );
  });

  test('who changes a running resource to what is refused changes nothing; suspend still stops it', async () => {
    const path = deploymentPath('victim');
    const specOf = async () =>
      (await platform.get(path))?.['spec'] as { readonly template: object; readonly replicas: number } | undefined;
    const template = async () => JSON.stringify((await specOf())?.template);
    await until('a Deployment', specOf);
    const before = await template();
    await asTenant(['patch', 'fhs', 'victim', '--type=merge', '-p', JSON.stringify({ spec: ATTEMPTS[0]?.[1] })]);
    await refusal('victim', /allow\.images/);
    assert.equal(await template(), before);
    await asTenant(['patch', 'fhs', 'victim', '--type=merge', '-p', '{"spec":{"suspend":true}}']);
    await until('no replica', async () => (await specOf())?.replicas === 0);
    assert.equal(await template(), before);
    await asTenant([
      'patch',
      'fhs',
      'victim',
      '--type=merge',
      '-p',
      '{"spec":{"suspend":false,"gateway":{"image":null}}}',
    ]);
    await until('two replicas', async () => (await specOf())?.replicas === 2);
  });

  test('what the platform allows is made', async () => {
    await operator[Symbol.asyncDispose]();
    operator = await runOperator(platform, {
      environment: { FIREHOSE_ALLOW_IMAGES: 'evil.example.com/canary', FIREHOSE_ALLOW_HOST_SUFFIXES: 'bank.example' },
    });
    await platform.create('allowed', {
      ...MINIMAL_SPEC,
      ...gateway({ image: `evil.example.com/${CANARY}:1`, ingress: { host } }),
    });
    const deployment = await until('a Deployment', () => platform.get(deploymentPath('allowed')));
    assert.match(JSON.stringify(deployment), /evil\.example\.com\/canary:1/);
    await until('an Ingress', () => platform.get(`/apis/networking.k8s.io/v1/namespaces/${VOICE}/ingresses/allowed`));
  });
});

/** A Secret that a ConfigMap owns, and the token of a service account. */
async function platformSecrets({ plane: { admin } }: Platform): Promise<void> {
  const core = `/api/v1/namespaces/${VOICE}`;
  const holder = await admin.must('POST', `${core}/configmaps`, { metadata: { name: 'holder' } });
  const { uid } = holder['metadata'] as { uid: string };
  const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'holder', uid };
  await admin.must('POST', secrets, {
    metadata: { name: 'owned', ownerReferences: [owner] },
    stringData: { headers: 'authorization=x' },
  });
  await admin.must('POST', `${core}/serviceaccounts`, { metadata: { name: 'robot' } });
  await admin.must('POST', secrets, {
    metadata: { name: 'robot', annotations: { 'kubernetes.io/service-account.name': 'robot' } },
    type: 'kubernetes.io/service-account-token',
  });
  await admin.must('PATCH', `${secrets}/robot`, { stringData: { token: 'x' } }, MERGE);
}

async function tenantRights({ plane: { admin } }: Platform): Promise<void> {
  const metadata = { name: 'tenant' };
  await admin.must('POST', `${RBAC}/roles`, {
    metadata,
    rules: [{ apiGroups: ['firehose.dev'], resources: ['firehosesubscriptions', 'firehosesources'], verbs: ['*'] }],
  });
  await admin.must('POST', `${RBAC}/rolebindings`, {
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tenant' },
    subjects: [{ kind: 'ServiceAccount', name: 'tenant', namespace: VOICE }],
  });
}
