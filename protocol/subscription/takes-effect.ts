import { z } from 'zod';

/**
 * When a change of a field takes effect in a running gateway. Only the schema says it; a field without a mark takes
 * effect after a restart.
 * - `followed`: at once, from the file.
 * - `followed-in-cluster`: in a cluster from another file that the operator writes (keys, certificates); a standalone
 *   gateway makes these itself, at its start.
 * - `platform`: gateways do not read it. The operator or Kubernetes acts on it.
 */
export type TakesEffect = 'followed' | 'followed-in-cluster' | 'platform';

/** Key of the mark in a schema's metadata. The CustomResourceDefinition omits it. */
export const TAKES_EFFECT = 'x-firehose-takes-effect';

const marked = <S extends z.ZodType>(schema: S, how: TakesEffect): S =>
  schema.meta({ ...schema.meta(), [TAKES_EFFECT]: how });
export const followed = <S extends z.ZodType>(schema: S): S => marked(schema, 'followed');
export const followedInCluster = <S extends z.ZodType>(schema: S): S => marked(schema, 'followed-in-cluster');
export const platformOnly = <S extends z.ZodType>(schema: S): S => marked(schema, 'platform');

interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly default?: unknown;
  readonly [TAKES_EFFECT]?: TakesEffect;
}

interface Leaf {
  /** As `consumerGroups[].name`. */
  readonly path: string;
  /** Null: after a restart. */
  readonly takesEffect: TakesEffect | null;
}

/** Where a gateway runs. */
export type Place = 'standalone' | 'cluster';

/** Reads the marks of one schema. */
export interface RestartRules {
  readonly leaves: readonly Leaf[];
  /**
   * The part of a specification that needs a restart: omits followed fields, fields that gateways do not read, and
   * values that equal their defaults. So a new field with a default changes no view of an older resource.
   */
  readonly view: (spec: unknown, place: Place) => unknown;
  /** Paths whose change needs a restart, for example `spec.redis.keyPrefix`. */
  readonly changes: (before: unknown, after: unknown, place: Place) => readonly string[];
}

export function restartRules(schema: z.ZodType): RestartRules {
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node;
  return {
    leaves: [...leavesOf(root, '', null)],
    view: (spec, place) => viewOf(root, spec, { place, inherited: null }),
    changes(before, after, place) {
      const [was, is] = [before, after].map((spec) => viewOf(root, spec, { place, inherited: null }));
      return [...differences(was, is, 'spec')];
    },
  };
}

function* leavesOf(node: Node, path: string, inherited: TakesEffect | null): IterableIterator<Leaf> {
  const takesEffect = node[TAKES_EFFECT] ?? inherited;
  const properties = node.properties ?? node.items?.properties;
  if (properties === undefined) {
    yield { path, takesEffect };
    return;
  }
  const place = node.properties === undefined ? `${path}[]` : path;
  for (const [name, child] of Object.entries(properties)) {
    yield* leavesOf(child, place === '' ? name : `${place}.${name}`, takesEffect);
  }
}

function viewOf(node: Node, value: unknown, where: { place: Place; inherited: TakesEffect | null }): unknown {
  const inherited = node[TAKES_EFFECT] ?? where.inherited;
  const next = { place: where.place, inherited };
  if (node.properties !== undefined && isObject(value)) {
    const parts = Object.entries(node.properties).map(([name, child]) => [name, viewOf(child, value[name], next)]);
    const kept = parts.filter(([, part]) => part !== undefined);
    return kept.length === 0 ? undefined : Object.fromEntries(kept);
  }
  if (node.items?.properties !== undefined && Array.isArray(value)) {
    const { items } = node;
    const parts = value.map((item) => viewOf(items, item, next) ?? null);
    return parts.every((part) => part === null) ? undefined : parts;
  }
  const needsRestart = inherited === null || (inherited === 'followed-in-cluster' && where.place === 'standalone');
  return !needsRestart || isSame(value, node.default) ? undefined : value;
}

/** Values of a parsed specification are plain JSON, and parsing puts fields into the order of the schema. */
function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function* differences(before: unknown, after: unknown, path: string): IterableIterator<string> {
  const [was, is] = [before ?? {}, after ?? {}];
  if (isObject(was) && isObject(is) && (before !== undefined || after !== undefined)) {
    for (const name of new Set([...Object.keys(was), ...Object.keys(is)])) {
      yield* differences(was[name], is[name], `${path}.${name}`);
    }
  } else if (!isSame(before, after)) yield path;
}
