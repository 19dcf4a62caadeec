import type { z } from 'zod';
import { structuralSchema, type StructuralSchema } from './structural-schema.ts';

interface Column {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date';
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

/** Definition of one kind of the group `firehose.dev`. */
export interface KindDefinition {
  readonly kind: string;
  readonly shortName: string;
  readonly about: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  /** Text of each field, including `spec` and `status`; `file` contains them. */
  readonly descriptions: { readonly texts: Readonly<Record<string, string>>; readonly file: string };
  /** Fields that only a cluster needs: `field` of the object, or of the elements of the list, at `place`. */
  readonly required: readonly { readonly place: string; readonly field: string }[];
  /** Rules that apply only in a cluster. */
  readonly rules?: readonly { readonly place: string; readonly rule: string; readonly message: string }[];
  readonly columns: readonly Column[];
  /** For the `scale` subresource. */
  readonly scale: { readonly spec: string; readonly status: string; readonly selector: string };
}

/** Names derived from the resource's are names of Services, which are DNS labels of at most 63 characters. */
const NAME_RULES = [
  {
    rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && self.metadata.name.size() <= 44",
    message:
      'metadata.name is a DNS label that begins with a letter, of at most 44 characters: Services are named after it',
  },
];

const propertiesOf = (node: StructuralSchema) =>
  ((node['items'] as StructuralSchema | undefined) ?? node)['properties'] as
    Record<string, StructuralSchema> | undefined;

/**
 * Required only in a cluster: a standalone process has its environment and files. A parent of a required field has no
 * default, and is itself required, up to the first optional one.
 */
function requireOfCluster(spec: StructuralSchema, { place, field }: KindDefinition['required'][number]): void {
  let node = spec;
  const above: [StructuralSchema, string][] = [];
  for (const name of place === '' ? [] : place.split('.')) {
    const next = propertiesOf(node)?.[name];
    if (next === undefined) throw new TypeError(`the specification has no ${place}`);
    above.push([node, name]);
    node = next;
  }
  if (propertiesOf(node)?.[field] === undefined) throw new TypeError(`${place} has no ${field}`);
  require(node, field);
  for (const [parent, name] of above.toReversed()) {
    const child = propertiesOf(parent)?.[name];
    if (child === undefined || !('default' in child)) break;
    delete child['default'];
    require(parent, name);
  }
}

function require(node: StructuralSchema, field: string): void {
  const target = (node['items'] as StructuralSchema | undefined) ?? node;
  target['required'] = [...((target['required'] as string[] | undefined) ?? []), field];
}

/** Adds the descriptions that `kubectl explain` shows. Throws when a field has none. */
function describe(node: StructuralSchema, path: string, left: Map<string, string>, file: string): void {
  const text = left.get(path);
  if (text === undefined) throw new TypeError(`${file} has no text for '${path}'`);
  left.delete(path);
  node['description'] = text;
  for (const [name, child] of Object.entries(propertiesOf(node) ?? {})) describe(child, `${path}.${name}`, left, file);
}

/** `spec` and `status` in the form of the API server, with their texts. */
function schemasOf(of: KindDefinition): { readonly spec: StructuralSchema; readonly status: StructuralSchema } {
  const spec = structuralSchema(of.spec);
  for (const one of of.required) requireOfCluster(spec, one);
  for (const { place, rule, message } of of.rules ?? []) {
    const node = propertiesOf(spec)?.[place];
    if (node === undefined) throw new TypeError(`the specification has no ${place}`);
    const rules = (node['x-kubernetes-validations'] as object[] | undefined) ?? [];
    node['x-kubernetes-validations'] = [...rules, { rule, message }];
  }
  const status = structuralSchema(of.status);
  const { texts, file } = of.descriptions;
  const left = new Map(Object.entries(texts));
  describe(spec, 'spec', left, file);
  describe(status, 'status', left, file);
  if (left.size > 0) throw new TypeError(`${file}: no such field: ${[...left.keys()].join(', ')}`);
  return { spec, status };
}

/** The CustomResourceDefinition of a kind, generated from the schema that its process uses for files. */
export function customResourceDefinition(of: KindDefinition) {
  const { kind, about, columns, shortName } = of;
  const singular = kind.toLowerCase();
  const plural = `${singular}s`;
  const openAPIV3Schema = {
    type: 'object',
    description: about,
    required: ['spec'],
    'x-kubernetes-validations': NAME_RULES,
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      metadata: { type: 'object' },
      ...schemasOf(of),
    },
  };
  const scale = {
    specReplicasPath: of.scale.spec,
    statusReplicasPath: of.scale.status,
    labelSelectorPath: of.scale.selector,
  };
  const version = {
    name: 'v1alpha1',
    served: true,
    storage: true,
    subresources: { status: {}, scale },
    additionalPrinterColumns: columns,
    schema: { openAPIV3Schema },
  };
  const names = { kind, listKind: `${kind}List`, plural, singular, shortNames: [shortName], categories: ['firehose'] };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.firehose.dev` },
    spec: { group: 'firehose.dev', scope: 'Namespaced', names, versions: [version] },
  };
}
