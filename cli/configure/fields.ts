import { sourceDefinition, subscriptionDefinition } from '../../operator/crd/definitions.ts';
import { sourceTakesEffect } from '../../protocol/source.ts';
import { takesEffect } from '../../protocol/subscription.ts';
import type { RestartRules, TakesEffect } from '../../protocol/subscription/takes-effect.ts';

/** A field of a resource as the documentation shows it. */
export interface Field {
  /** Path below `spec`, for example `consumerGroups[].name`. */
  readonly path: string;
  /** As in YAML; empty for none, `required` if it must be given. */
  readonly fallback: string;
  readonly meaning: string;
  readonly takesEffect: TakesEffect | null;
}

interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
}

/** Every field of a FirehoseSubscription that has a value, in the order of the schema. Pure. */
export const fieldsOfSubscription = () => fieldsOf(subscriptionDefinition(), takesEffect());
/** The same for a FirehoseSource. */
export const fieldsOfSource = () => fieldsOf(sourceDefinition(), sourceTakesEffect());

function fieldsOf(definition: object, rules: RestartRules): readonly Field[] {
  const { spec: made } = definition as {
    spec: { versions: [{ schema: { openAPIV3Schema: { properties: { spec: Node } } } }] };
  };
  const { spec } = made.versions[0].schema.openAPIV3Schema.properties;
  const effects = new Map(rules.leaves.map(({ path, takesEffect: how }) => [path, how]));
  return [...leavesOf(spec, '', false)].map(({ path, node, isRequired }) => ({
    path,
    fallback: fallbackOf(node, isRequired),
    meaning: [node.description ?? '', limitsOf(node)].filter((part) => part !== '').join(' '),
    takesEffect: effects.get(path) ?? null,
  }));
}

interface Found {
  readonly path: string;
  readonly node: Node;
  readonly isRequired: boolean;
}

function* leavesOf(node: Node, path: string, isRequired: boolean): IterableIterator<Found> {
  const inner = node.properties === undefined ? node.items : node;
  if (inner?.properties === undefined) {
    yield { path, node, isRequired };
    return;
  }
  const place = node.properties === undefined ? `${path}[]` : path;
  for (const [name, child] of Object.entries(inner.properties)) {
    yield* leavesOf(child, place === '' ? name : `${place}.${name}`, inner.required?.includes(name) === true);
  }
}

function fallbackOf(node: Node, isRequired: boolean): string {
  if (node.default !== undefined) return `\`${JSON.stringify(node.default).replace(/^"(.*)"$/, '$1')}\``;
  return isRequired ? 'required' : '';
}

function limitsOf({ enum: choices, minimum, maximum }: Node): string {
  if (choices !== undefined) return `One of ${choices.map((choice) => `\`${String(choice)}\``).join(', ')}.`;
  if (minimum === undefined || maximum === undefined) return '';
  return `${minimum} to ${maximum}.`;
}
