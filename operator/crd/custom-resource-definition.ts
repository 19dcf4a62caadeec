import { specSchema } from '../../protocol/subscription.ts';
import { statusSchema } from '../../protocol/subscription/status.ts';
import { DESCRIPTIONS } from './descriptions.ts';
import { structuralSchema, type StructuralSchema } from './structural-schema.ts';

const COLUMNS = [
  { name: 'Ready', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].status" },
  { name: 'Reason', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].reason" },
  { name: 'Account', type: 'string', jsonPath: '.spec.account.id' },
  { name: 'Replicas', type: 'string', jsonPath: '.status.gateway.summary', description: 'ready/desired' },
  { name: 'Connections', type: 'integer', jsonPath: '.status.gateway.connections' },
  { name: 'Lag', type: 'integer', jsonPath: '.status.lag', description: 'unread entries of all groups' },
  { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
  { name: 'Endpoint', type: 'string', jsonPath: '.status.endpoint.url', priority: 1 },
  { name: 'Message', type: 'string', jsonPath: ".status.conditions[?(@.type=='Ready')].message", priority: 1 },
];

/** Names derived from the resource's are those of Services, which are DNS labels of at most 63 characters. */
const NAME_RULES = [
  {
    rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && self.metadata.name.size() <= 44",
    message:
      'metadata.name is a DNS label that begins with a letter, of at most 44 characters: Services are named after it',
  },
];

/** Only a cluster needs it: a standalone process has `REDIS_URL`, and the directory's file beside it. */
function requireOfCluster(spec: StructuralSchema): void {
  const properties = spec['properties'] as Record<string, StructuralSchema>;
  for (const [section, field] of [
    ['redis', 'urlSecretRef'],
    ['auth', 'directory'],
  ] as const) {
    const schema = properties[section];
    if (schema === undefined) throw new TypeError(`the specification has no ${section}`);
    schema['required'] = [...((schema['required'] as string[] | undefined) ?? []), field];
    delete schema['default'];
  }
  spec['required'] = ['account', 'redis', 'auth'];
}

/**
 * Writes the descriptions that `kubectl explain` shows. Throws when a field has none, or a description has no field.
 */
function describe(node: StructuralSchema, path: string, unused: Set<string>): void {
  const text = DESCRIPTIONS[path];
  if (text === undefined) throw new TypeError(`operator/crd/descriptions.ts has no text for '${path}'`);
  unused.delete(path);
  node['description'] = text;
  const items = node['items'] as StructuralSchema | undefined;
  const properties = (items ?? node)['properties'] as Record<string, StructuralSchema> | undefined;
  for (const [name, child] of Object.entries(properties ?? {})) {
    describe(child, `${path}.${name}`, unused);
  }
}

/** The CustomResourceDefinition of FirehoseSubscription, generated from the schema that the gateway reads files with. */
export function customResourceDefinition() {
  const spec = structuralSchema(specSchema);
  requireOfCluster(spec);
  const status = structuralSchema(statusSchema);
  const unused = new Set(Object.keys(DESCRIPTIONS));
  describe(spec, 'spec', unused);
  describe(status, 'status', unused);
  if (unused.size > 0) throw new TypeError(`operator/crd/descriptions.ts: no such field: ${[...unused].join(', ')}`);
  const names = { kind: 'FirehoseSubscription', listKind: 'FirehoseSubscriptionList' };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'firehosesubscriptions.firehose.dev' },
    spec: {
      group: 'firehose.dev',
      scope: 'Namespaced',
      names: {
        ...names,
        plural: 'firehosesubscriptions',
        singular: 'firehosesubscription',
        shortNames: ['fhs'],
        categories: ['firehose'],
      },
      versions: [
        {
          name: 'v1alpha1',
          served: true,
          storage: true,
          subresources: {
            status: {},
            scale: {
              specReplicasPath: '.spec.gateway.replicas',
              statusReplicasPath: '.status.gateway.replicas',
              labelSelectorPath: '.status.gateway.selector',
            },
          },
          additionalPrinterColumns: COLUMNS,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              description:
                'Gateways that stream the call events of one account tree, and the consumer groups for it. A resource without a ' +
                'status is in a namespace that no operator watches: `helm get notes` of the release shows the watched ones.',
              required: ['spec'],
              'x-kubernetes-validations': NAME_RULES,
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec,
                status,
              },
            },
          },
        },
      ],
    },
  };
}
